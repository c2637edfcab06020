/**
 * Who a person is: named attributes in a meaningful order, such as `{ country: "Japan", age: "25-34" }`. Attributes that are
 * not known are left out; there is no "unknown".
 */
export type Profile = Readonly<Record<string, string>>;

/**
 * A profile as one sentence, for the persona in a prompt and for the demographic encoder:
 * "You are a person from Japan, age: 25-34, marital status: Married." The country, where given, is named first; every
 * other attribute follows in the profile's order as "name: value", underscores in names shown as spaces.
 *
 * An empty profile gives the empty string.
 */
export function profileText(profile: Profile): string {
  const parts = Object.entries(profile)
    .filter(([name]) => name !== "country")
    .map(([name, value]) => `${name.replaceAll("_", " ")}: ${value}`);
  const country = profile["country"];
  if (country === undefined) return parts.length === 0 ? "" : `You are a person, ${parts.join(", ")}.`;
  return `You are a person ${[`from ${country}`, ...parts].join(", ")}.`;
}
