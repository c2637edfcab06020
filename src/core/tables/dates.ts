const TIME = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|UTC|[+-]\d\d(?::?\d\d)?))?$/;

/**
 * A point in time as ISO 8601 has it, without digits that say nothing: "2020-01-31 00:00:00.000" is "2020-01-31", and what
 * names a zone is in UTC, "2020-01-31T11:00:00Z". Any other text is given back as it is.
 */
export function dateText(text: string): string {
  const [, date, minutes, seconds = "00", fraction = "", zone] = TIME.exec(text) ?? [];
  if (date === undefined) return text;
  const offset =
    zone === undefined || zone === "UTC"
      ? "Z"
      : zone.replace(/^([+-]\d\d):?(\d\d)?$/, (_, h: string, m = "00") => `${h}:${m}`);
  const ms = Date.parse(`${date}T${minutes!}:${seconds}${offset}`);
  return Number.isNaN(ms) ? text : isoText(ms, fraction, zone !== undefined);
}

/** Ticks of a second, by Arrow's units: seconds, milli-, micro- and nanoseconds. */
const DIGITS = [0, 3, 6, 9] as const;

/**
 * A time stamp as `dateText` has it.
 * @param ticks Since 1970, in `unit` (0: s, 1: ms, 2: us, 3: ns).
 */
export function timestampText(ticks: bigint, unit: number, zoned: boolean): string {
  const perSecond = 10n ** BigInt(DIGITS[unit]!);
  const rest = ((ticks % perSecond) + perSecond) % perSecond;
  const ms = Number((ticks - rest) / perSecond) * 1000;
  if (Number.isNaN(new Date(ms).getTime())) return String(ticks);
  return isoText(ms, unit === 0 ? "" : String(rest).padStart(DIGITS[unit]!, "0"), zoned);
}

/** A time of day, "11:00:00.5", from ticks since midnight. */
export function timeText(ticks: bigint, unit: number): string {
  return timestampText(ticks, unit, true).slice(11, -1);
}

/** @param ms Whole seconds, in milliseconds. */
function isoText(ms: number, fraction: string, zoned: boolean): string {
  const [date, time] = new Date(ms).toISOString().slice(0, -5).split("T") as [string, string];
  const digits = fraction.replace(/0+$/, "");
  if (!zoned && time === "00:00:00" && digits === "") return date;
  return `${date}T${time}${digits === "" ? "" : `.${digits}`}${zoned ? "Z" : ""}`;
}
