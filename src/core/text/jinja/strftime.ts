import { fail } from "./errors.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];

const two = (n: number): string => String(n).padStart(2, "0");

/** Parts of a day at midnight, as C's locale writes them. */
const parts: Readonly<Record<string, (day: Date) => string>> = {
  "%%": () => "%",
  "%A": (day) => DAYS[day.getUTCDay()]!,
  "%a": (day) => DAYS[day.getUTCDay()]!.slice(0, 3),
  "%B": (day) => MONTHS[day.getUTCMonth()]!,
  "%b": (day) => MONTHS[day.getUTCMonth()]!.slice(0, 3),
  "%Y": (day) => String(day.getUTCFullYear()),
  "%y": (day) => two(day.getUTCFullYear() % 100),
  "%m": (day) => two(day.getUTCMonth() + 1),
  "%-m": (day) => String(day.getUTCMonth() + 1),
  "%d": (day) => two(day.getUTCDate()),
  "%-d": (day) => String(day.getUTCDate()),
  "%e": (day) => String(day.getUTCDate()).padStart(2),
  "%j": (day) => String((day.getTime() - Date.UTC(day.getUTCFullYear(), 0)) / 86_400_000 + 1).padStart(3, "0"),
  "%H": () => "00",
  "%M": () => "00",
  "%S": () => "00",
  "%I": () => "12",
  "%p": () => "AM",
  "%F": (day) => day.toISOString().slice(0, 10),
};

/** Python's strftime of a day such as "2024-07-26", at midnight. */
export function strftime(date: string, format: string): string {
  const day = new Date(`${date}T00:00:00Z`);
  return format.replace(/%(?:-?.|$)/gsu, (code) => {
    if (!Object.hasOwn(parts, code)) fail(`strftime_now: "${code}" is not supported`);
    return parts[code]!(day);
  });
}
