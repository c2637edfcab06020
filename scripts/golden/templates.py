"""Renderings of chat templates by transformers, whose Jinja2 the package's own must equal.

    python scripts/golden/templates.py

writes test/fixtures/golden/templates.json: small templates with the constructs of published ones, and snippets of one
construct each. Made with transformers 5.24.0, jinja2 3.1.6.
"""

import json
from datetime import datetime
from pathlib import Path

import transformers.utils.chat_template_utils as templates

OUT = Path(__file__).parents[2] / "test/fixtures/golden/templates.json"


class FixedDay(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26)


templates.datetime = FixedDay

SYSTEM = {"role": "system", "content": "You are a person from Türkiye, age: 25-34 years."}
USER = {"role": "user", "content": "How important is \"family\" in your life? A. Very. B. Not very. "}
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}

# Small equivalents of what the families publish.
CHATS = {
    "chatml": "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "smollm2": "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful assistant<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "zephyr": """{% for message in messages %}
{% if message['role'] == 'user' %}
{{ '<|user|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'system' %}
{{ '<|system|>\n' + message['content'] + eos_token }}
{% elif message['role'] == 'assistant' %}
{{ '<|assistant|>\n'  + message['content'] + eos_token }}
{% endif %}
{% if loop.last and add_generation_prompt %}
{{ '<|assistant|>' }}
{% endif %}
{% endfor %}""",
    "llama2": "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('Roles must alternate') }}{% endif %}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "llama3": """{{- bos_token }}
{%- if custom_tools is defined %}
    {%- set tools = custom_tools %}
{%- endif %}
{%- if not date_string is defined %}
    {%- if strftime_now is defined %}
        {%- set date_string = strftime_now("%d %b %Y") %}
    {%- else %}
        {%- set date_string = "1 Jan 2020" %}
    {%- endif %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Today Date: " + date_string + "\\n\\n" }}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {{- message.tool_calls[0].function.arguments | tojson }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
""",
    "mistral": """{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}
{%- if not tools is defined %}
    {%- set tools = none %}
{%- endif %}
{%- set user_messages = loop_messages | selectattr("role", "equalto", "user") | list %}
{%- set ns = namespace() %}
{%- set ns.index = 0 %}
{%- for message in loop_messages %}
    {%- if not (message.role == "tool" or (message.tool_calls is defined and message.tool_calls is not none)) %}
        {%- if (message["role"] == "user") != (ns.index % 2 == 0) %}
            {{- raise_exception("roles must alternate") }}
        {%- endif %}
        {%- set ns.index = ns.index + 1 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for message in loop_messages %}
    {%- if message["role"] == "user" %}
        {%- if tools is not none and (message == user_messages[-1]) %}
            {{- "[AVAILABLE_TOOLS] [" }}
        {%- endif %}
        {%- if loop.last and system_message is defined %}
            {{- "[INST] " + system_message + "\\n\\n" + message["content"] + "[/INST]" }}
        {%- else %}
            {{- "[INST] " + message["content"] + "[/INST]" }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
""",
    "qwen2.5": """{%- if tools %}
    {{- '<|im_start|>system\\n# Tools' }}
{%- else %}
    {%- if messages[0]['role'] == 'system' %}
        {{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}
    {%- else %}
        {{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}
    {%- endif %}
{%- endif %}
{%- for message in messages %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) or (message.role == "assistant" and not message.tool_calls) %}
        {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "tool" %}
        {%- if (loop.index0 == 0) or (messages[loop.index0 - 1].role != "tool") %}
            {{- '<|im_start|>user' }}
        {%- endif %}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "qwen3": """{%- if messages[0].role == 'system' %}
    {{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' }}
{%- endif %}
{%- set ns = namespace(multi_step_tool=true, last_query_index=messages|length - 1) %}
{%- for message in messages[::-1] %}
    {%- set index = (messages|length - 1) - loop.index0 %}
    {%- if ns.multi_step_tool and message.role == "user" and message.content is string and not(message.content.startswith('<tool_response>') and message.content.endswith('</tool_response>')) %}
        {%- set ns.multi_step_tool = false %}
        {%- set ns.last_query_index = index %}
    {%- endif %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.content is string %}
        {%- set content = message.content %}
    {%- else %}
        {%- set content = '' %}
    {%- endif %}
    {%- if (message.role == "user") or (message.role == "system" and not loop.first) %}
        {{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>' + '\\n' }}
    {%- elif message.role == "assistant" %}
        {%- set reasoning_content = '' %}
        {%- if '</think>' in content %}
            {%- set reasoning_content = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
        {%- endif %}
        {{- reasoning_content }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
    {%- if enable_thinking is defined and enable_thinking is false %}
        {{- '<think>\\n\\n</think>\\n\\n' }}
    {%- endif %}
{%- endif %}
""",
    "smollm3": """{# a comment
#}
{%- if enable_thinking is not defined -%}
{%- set enable_thinking = true -%}
{%- endif -%}
{%- set reasoning_mode = "/think" if enable_thinking else "/no_think" -%}
{{- "<|im_start|>system\\n" -}}
{%- if messages[0].role == "system" -%}
  {%- set system_message = messages[0].content -%}
  {%- if "/no_think" in system_message -%}
    {%- set reasoning_mode = "/no_think" -%}
  {%- endif -%}
  {%- set custom_instructions = system_message.replace("/no_think", "").replace("/think", "").rstrip() -%}
{%- endif -%}
{%- set today = strftime_now("%d %B %Y") -%}
{{- "Today Date: " ~ today ~ "\\n" -}}
{{- "Reasoning Mode: " + reasoning_mode + "\\n\\n" -}}
{%- if custom_instructions -%}
{{- custom_instructions + "\\n\\n" -}}
{%- endif -%}
{{- "<|im_end|>\\n" -}}
{%- for message in messages -%}
    {%- set content = message.content if message.content is string else "" -%}
    {%- if message.role == "user" -%}
        {{ "<|im_start|>" + message.role + "\\n"  + content + "<|im_end|>\\n" }}
    {%- elif message.role == "assistant" -%}
        {% generation %}{{ "<|im_start|>assistant\\n" + content + "<|im_end|>\\n" }}{% endgeneration %}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {%- if reasoning_mode == "/think" -%}
        {{ "<|im_start|>assistant\\n" }}
    {%- else -%}
        {{ "<|im_start|>assistant\\n" + "<think>\\n\\n</think>\\n" }}
    {%- endif -%}
{%- endif -%}
""",
    "macros": """{%- macro head(role, mark='#') -%}
{{ mark }}{{ role | upper }}{{ mark }}
{%- endmacro -%}
{%- for m in messages if m.content %}
{{ head(m.role) }} {{ loop.index }}/{{ loop.length }}
{{ m.content | trim }}
{%- if not loop.last %}{{ pad_token }}{% endif %}
{%- else %}
none
{%- endfor %}
{{ head('assistant', mark='=') }}
""",
    "json": "{{ messages | tojson }}{{ messages[0] | tojson(indent=2) }}{{ {'b': [1, 2.5], 'a': none} | tojson(sort_keys=true, separators=(',', ':')) }}",
    "parts": "{% for m in messages %}{% if m.content is string %}{{ m.content }}{% else %}{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}{% endfor %}",
}

SNIPPETS = [
    "{{ true }} {{ None }} {{ 1.0 }} {{ [1, 'a', none, true] }} {{ {'a': 1, 'b': [2.5]} }} {{ (1, 2) }}",
    "{{ (1,) }}",
    "{{ [1, 'a'] ~ 'x' }} {{ \"it's\" }} {{ [\"it's\", 'q\"', 'a\n\té'] }}",
    "{% for x in [1, 2, 3] %}{% if loop.first %}{% set y = 1 %}{% endif %}[{{ y }}]{% endfor %}",
    "{% macro m() %}{{ v }}{% endmacro %}{% for v in [1, 2] %}{{ m() }}{% endfor %}",
    "{% for c in 'aé😀' %}{{ c }},{% endfor %}{{ '😀a'[0] }} {{ '😀a' | length }} {{ '😀a'[1:] }}",
    "{{ 'abc'[1:] }} {{ 'abc'[::-1] }} {{ [1, 2, 3][:-1] }} {{ [1, 2, 3][-2:] }} {{ [1, 2, 3][5:] }} {{ (1, 2, 3)[::2] }}",
    "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 3 }} {{ 4 / 2 }} {{ 7.5 // 2 }} {{ 'a' * 3 }} {{ [1] * 2 }}",
    "{{ 'hello world'.title() }} {{ 'hELLO'.capitalize() }} {{ \"they're\" | title }} {{ \"they're\".title() }}",
    "{{ '  a b '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'a,b'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a-b-c'.rsplit('-', 1) }}|{{ 'a b c'.split(none, 1) }}",
    "{{ 'abc'.find('c') }} {{ 'abcabc'.count('b') }} {{ 'abc'.replace('b', 'X') }} {{ 'a'.join(['x', 'y']) }} {{ 'abab'.replace('a', 'c', 1) }}",
    "{{ nothing }}|{{ nothing is defined }}|{{ messages[9] }}|{{ messages[0].nothing }}|{{ nothing | length }}|{{ nothing | trim }}|{{ nothing ~ 'x' }}",
    "{{ nothing.x }}",
    "{{ nothing + 1 }}",
    "{{ nothing() }}",
    "{{ 1 == 1.0 }} {{ '1' == 1 }} {{ none == nothing }} {{ [1] == [1] }} {{ true == 1 }} {{ '' == 0 }} {{ {'a': 1} == {'a': 1.0} }}",
    "{{ 'a' in 'abc' }} {{ 1 in [1, 2] }} {{ 'a' in {'a': 1} }} {{ none in [none] }} {{ 'x' not in ['y'] }} {{ 'x' in nothing }}",
    "{{ 'a' + 1 }}",
    "{{ 'a' ~ 1 ~ none ~ true ~ 1.5 }}",
    "{{ 1 + 2 ~ 'x' }}",
    "{{ 5 - 2 ~ 'x' }}",
    "{{ [1] + [2] ~ 'x' }}",
    "{{ 'a' + 1 ~ 'b' + 2 ~ 'c' ~ 3 }}",
    "{{ (1 + 2) ~ 'x' ~ 1 * 2 ~ -3 }}",
    "{{ ['a' + 1 ~ 'b', {'k': 'a' + 1 ~ 'b'}] }}{{ 'a' + 1 ~ 'b' == 'a1b' and 'a' + (1 ~ 'b') in ['a1b'] }}",
    "{{ 'a' + 1 ~ 'b' if messages is not none else 'c' + 2 ~ 'd' }}{% set a = 'a' + messages[0].role ~ 1 %}{{ a }}",
    "{% set ns = namespace(a=1) %}{% for i in range(3) %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }}",
    "{% for m in messages %}a{% if loop.index0 == 0 %}b{% continue %}{% endif %}{{ m.role }}{% break %}c{% endfor %}",
    "{% for x in [1] %}{% continue %}{% else %}e{% endfor %}{% for x in [] %}a{% else %}b{% endfor %}",
    "{{ messages | map(attribute='role') | join(',') }} {{ messages | selectattr('role', 'equalto', 'user') | list | length }} {{ ['a'] | map('upper') | list }}",
    "{{ [3, 1, 2] | sort }} {{ ['b', 'A'] | sort }} {{ [3, 1, 2] | first }} {{ [3, 1, 2] | last }} {{ [3, 1] | reverse | list }} {{ 'abc' | reverse }} {{ ['a', 'A', 'b'] | unique | list }}",
    "{{ 3.7 | int }} {{ -3.7 | int }} {{ '3' | int }} {{ 'x' | int }} {{ -1 | abs }} {{ 'a' | default('d') }} {{ nothing | default('d') }} {{ '' | default('e', true) }}",
    "{{ 'a\nb' | indent(2) }} {{ 'a\n\nb\n' | indent(2, true) }} {{ '  x ' | trim }}|{{ 'xax' | trim('x') }}",
    "{{ {'a': 1}.items() | list }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 'c') }} {% for k, v in {'x': 1, 'y': 2}.items() %}{{ k }}{{ v }}{% endfor %} {{ {'b': 1, 'a': 2} | dictsort }}",
    "{{ {'items': 1}['items'] }} {{ {'a': 1} is mapping }} {{ 'a' is string }} {{ [] is sequence }} {{ 'a' is iterable }} {{ {} is iterable }} {{ true is number }} {{ 1 is integer }} {{ true is integer }} {{ 1.0 is float }} {{ 'A' is upper }} {{ 3 is odd }}",
    "{{ tools is none }} {{ tools is defined }} {{ documents is none }} {{ not tools }} {% if not tools is none %}a{% else %}b{% endif %}",
    "{%- if true -%}  a  {%- endif -%} b\n   {% if true %}   \nx\n   {% endif %}\ny\n{# c #}\nz\n\n",
    "{{ 'a' if false }}|{{ 'a' if true else 'b' }}|{{ 0 or 'x' }}|{{ [] or none }}|{{ 1 and 2 }}",
    "{% set x %}abc{% endset %}{{ x }}{% set x | upper %}abc{% endset %}{{ x }}{% filter upper %}abc{% set x = 1 %}{% endfilter %}{{ x }}{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% macro m(a, b='z') %}{{ a }}{{ b }}{{ caller() if caller else '' }}{% endmacro %}{{ m(1) }}{{ m(1, b=2) }}{% call m(3) %}C{% endcall %}",
    "{% generation %}abc{% set z = 1 %}{% endgeneration %}{{ z }}",
    "{% for x in [1, 2] %}{{ loop.cycle('a', 'b') }}{{ loop.changed(1) }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.revindex }}{{ loop.depth }}{% endfor %}",
    "{% for x in [1, 2, 3, 4] if x is even %}{{ x }}{{ loop.index }}{{ loop.last }}{% endfor %}{% for a, b in [(1, 2), (3, 4)] %}{{ a }}{{ b }}{% endfor %}",
    "{{ 'a' < 'b' }} {{ 'a' < 'B' }} {{ 1 <= 1.0 }}",
    "{{ 'a' < 1 }}",
    "{{ messages.append(1) }}",
    "{{ raise_exception('no') }}",
    "{{ strftime_now('%d %b %Y %H:%M %A %B %j %y %-d %m %%') }}",
    "{{ none | length }}",
    "{{ range(100001) }}",
    "{{ 'x'.isdigit() }} {{ '12'.isdigit() }} {{ 'x'.isalpha() }} {{ ' '.isspace() }} {{ 'X'.isupper() }} {{ 'a\nb\n'.splitlines() }} {{ 'abc'.removeprefix('a') }} {{ 'ab'.startswith(('x', 'a')) }}",
    "{{ {'a': 'é<>&\u2028', 'b': []} | tojson }} {{ 'é' | tojson(ensure_ascii=true) }} {{ [1.0, true, none] | tojson(indent=1) }}",
    "{{ 1 < 2 < 3 }}",
    "{% if (1 == 1) != (2 == 3) %}a{% endif %}",
    "a\r\nb\r{% if true %}\r\nc{% endif %}",
]


def render(source, variables):
    try:
        return templates._compile_jinja_template(source).render(**variables)
    except Exception:  # noqa: BLE001: whatever it raises, a template that fails is one that must fail
        return None


def variables(messages, **more):
    return {**TOKENS, **more, "messages": messages, "tools": None, "documents": None, "add_generation_prompt": True}


OUT.write_text(
    json.dumps(
        {
            "tokens": TOKENS,
            "chats": [
                {"name": name, "source": source, "messages": messages, "settings": settings, "text": render(source, variables(messages, **settings))}
                for name, source in CHATS.items()
                for messages in ([SYSTEM, USER], [USER])
                for settings in ({"enable_thinking": False}, {"enable_thinking": True, "date_string": "1 Mai 2025"})
            ],
            "snippets": [{"source": source, "text": render(source, variables([SYSTEM, USER]))} for source in SNIPPETS],
        },
        ensure_ascii=False,
        indent=1,
    )
    + "\n"
)
