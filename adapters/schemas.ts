import * as z from "zod";

/** The scale's numerator: far below what makes float32 overflow, far above what anybody uses. */
export const alphaSchema = z.number().positive().max(1e6);
