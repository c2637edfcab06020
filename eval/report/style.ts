const LIGHT = `--bg:#fff;--fg:#1b1f24;--muted:#59636e;--line:#d5dbe1;--panel:#f5f7f9;--link:#0550ae;
--r0:#0072b2;--r1:#c45100;--r2:#00795a;--r3:#a8447f;--r4:#a06a00;--r5:#2a86c0;--r6:#7a7200;--r7:#444;
--o0:#440154;--o1:#482173;--o2:#433e85;--o3:#38598c;--o4:#2d708e;--o5:#25858e;--o6:#1e9b8a;--o7:#2bb07f;--o8:#51c56a;--o9:#85d54a;--o10:#c2df23;--o11:#fde725;
--h0:#f0f4f8;--h1:#dbe7f1;--h2:#c1d8ea;--h3:#a1c5e1;--h4:#7db0d5;--h5:#5a98c8;--h6:#3c7fb8;--h7:#2566a2;--h8:#154d86;--h9:#0a3461;`;

const DARK = `--bg:#0f1419;--fg:#e4e9ee;--muted:#9aa5b1;--line:#313a44;--panel:#182028;--link:#79b8ff;
--r0:#4aa8e0;--r1:#f08a3c;--r2:#2fbf95;--r3:#e08abf;--r4:#e6b040;--r5:#8cd0f5;--r6:#e8de60;--r7:#c8ccd0;
--o0:#8a4fa0;--o1:#7f5fb0;--o2:#6f70b8;--o3:#5a80b8;--o4:#4a8fb0;--o5:#3d9ca6;--o6:#34aa9c;--o7:#3bb88c;--o8:#5cc873;--o9:#8bd651;--o10:#c2df3a;--o11:#fde94a;
--h0:#182028;--h1:#1a2c3d;--h2:#1b3a54;--h3:#1d4a6c;--h4:#235c87;--h5:#2f71a3;--h6:#4489bf;--h7:#65a3d6;--h8:#93c0e8;--h9:#c9e1f6;`;

/** The page's style: two colour schemes as variables, narrow and wide screens, and paper. */
export const style = `:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main,header{max-width:72rem;margin:0 auto;padding:0 16px}
h1{font-size:1.75rem;line-height:1.2;margin:1.5rem 0 .5rem}
h2{font-size:1.3rem;line-height:1.25;margin:2.5rem 0 .75rem;padding-top:.75rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.5rem 0 .5rem}
p,main>ul,section>ul{max-width:46rem}
a{color:var(--link)}
small{color:var(--muted);font-size:.85em;font-weight:normal}
nav{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:.5rem 1rem;margin:1rem 0}
nav ol{margin:.25rem 0;padding-left:1.5rem;columns:16rem}
.runs{list-style:none;padding:0;max-width:none}
.runs li{margin:.25rem 0}
.key{font-weight:700;border:1.5px solid currentColor;border-radius:4px;padding:0 .3em;font-size:.85em}
.note{background:var(--panel);border-left:4px solid var(--r1);padding:.5rem .75rem;max-width:46rem}
.scroll{overflow-x:auto;max-width:100%}
.scroll:focus-visible{outline:2px solid var(--link)}
table{border-collapse:collapse;font-size:.9rem;font-variant-numeric:tabular-nums;margin:.5rem 0}
th,td{padding:.35rem .7rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top;overflow-wrap:normal}
th[scope^=row],thead th:first-child,.words th,.words td{text-align:left}
th[scope^=row]{font-weight:600;min-width:8rem;max-width:20rem}
.subsets th[scope=row]{font-weight:400;min-width:4rem}.subsets thead th:nth-child(2){text-align:left}
thead th{vertical-align:bottom;min-width:4.5rem;max-width:14rem;overflow-wrap:break-word}
.metrics td{white-space:nowrap}.metrics th[scope^=row]{overflow-wrap:break-word}
.words td{min-width:8rem;overflow-wrap:anywhere}
td small,th small{display:block}
.charts{display:flex;flex-wrap:wrap;gap:1rem 1.5rem;align-items:flex-start}
figure{margin:0;flex:0 1 auto;width:20.5rem;max-width:100%}
.charts.small figure{width:auto;max-width:9rem;font-size:.75rem}
figure svg{max-width:100%;height:auto;display:block}
figcaption{font-size:.85rem;margin-top:.25rem}
.triple{display:flex;flex-wrap:wrap;gap:.2rem .6rem;margin:.25rem 0}
.triple div{min-width:0}
.triple dt{color:var(--muted);font-size:.8rem;white-space:nowrap}
.triple dd{margin:0;font-weight:600;font-variant-numeric:tabular-nums}
.triple small{display:block;font-size:.78em}
.tree{fill:none;stroke:var(--muted)}
.heat{white-space:nowrap}
.heat i{display:inline-block;width:.9em;height:.9em;vertical-align:-.1em}
details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0;padding:.35rem .75rem}
summary{cursor:pointer;font-weight:600}
.options{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1rem;padding:0;margin:.5rem 0;font-size:.85rem}
.options i{display:inline-block;width:.9em;height:.9em;margin-right:.35em;border:1px solid var(--line);vertical-align:-.1em}
.bars{display:grid;gap:.25rem .6rem;font-size:12px;line-height:16px;padding-bottom:.5rem}
.bars>b{align-self:end}
.bars ol{list-style:none;margin:0;padding:0}
.bars li{height:16px;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
.bars .n{text-align:right;color:var(--muted);font-weight:normal}
.bars svg{width:100%;height:calc(var(--g)*16px);display:block}
.bars path{fill:none;stroke-width:1.7}
dl.facts{display:grid;grid-template-columns:minmax(7rem,14rem) 1fr;gap:.15rem 1rem;font-size:.85rem;margin:.5rem 0}
dl.facts dt{color:var(--muted)}
dl.facts dd{margin:0;font-family:ui-monospace,"SFMono-Regular",Menlo,Consolas,monospace}
footer{max-width:72rem;margin:3rem auto 2rem;padding:0 16px;color:var(--muted);font-size:.85rem}
@media (max-width:30rem){body{font-size:15px}th,td{padding:.3rem .45rem}th[scope^=row]{min-width:7.5rem;max-width:8.5rem}.subsets th[scope=row]{min-width:3.5rem}.metrics th:first-child{position:sticky;left:0;background:var(--bg)}dl.facts{grid-template-columns:1fr}dl.facts dd{margin-bottom:.35rem}}
@media print{:root{${LIGHT}}body{font-size:10pt}*{-webkit-print-color-adjust:exact;print-color-adjust:exact}.scroll{overflow:visible}h2,h3,summary{break-after:avoid}details::details-content{content-visibility:visible;block-size:auto}summary{list-style:none}figure,tr,.question{break-inside:avoid}table{font-size:8pt}th,td{padding:.2rem .3rem}thead{display:table-header-group}}
`;
