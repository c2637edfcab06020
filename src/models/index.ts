export { profileText, type Profile } from "./profile.ts";
