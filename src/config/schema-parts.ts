import * as z from "zod";
import { DURATION_PATTERN, parseDuration, parseSize, SIZE_PATTERN } from "./units.ts";

/** Text without NUL, which neither an environment variable nor an argument can hold. */
export function text() {
  return z.string().regex(/^[^\0]*$/, "must not hold a NUL character");
}

/** Text that is not empty. */
export function filledText() {
  return z.string().regex(/^[^\0]+$/, "must not be empty nor hold a NUL character");
}

export function duration() {
  return durationOf(
    'must be a duration such as "500ms", "10s" or "5m" (24d at most), or 0',
    (milliseconds) => milliseconds !== undefined,
  );
}

/** A duration of at least `least` milliseconds; `words` is that bound as people write it. */
export function durationFrom(least: number, words: string) {
  return durationOf(
    `must be a duration of at least ${words} and at most 24d, such as "5m" or "2h"`,
    (milliseconds) => (milliseconds ?? -1) >= least,
  );
}

function durationOf(sentence: string, accept: (milliseconds: number | undefined) => boolean) {
  return z.union(
    [
      z
        .string()
        .regex(DURATION_PATTERN, sentence)
        .refine((written) => accept(parseDuration(written)), sentence),
      z.literal(0).refine(() => accept(0), sentence),
    ],
    { error: sentence },
  );
}

export function size() {
  const sentence = 'must be a size such as "512MB" or "2GiB"';
  return z
    .string()
    .regex(SIZE_PATTERN, sentence)
    .refine((written) => parseSize(written) !== undefined, sentence);
}

/** A whole number, or a share such as "50%". */
export function amount(least: number) {
  const sentence = `must be a whole number from ${least} to 1000, or a share of the whole such as "50%"`;
  const share = least === 0 ? /^(?:\d\d?|100)%$/ : /^(?:[1-9]\d?|100)%$/;
  return z.union([z.int().min(least, sentence).max(1000, sentence), z.string().regex(share, sentence)], {
    error: sentence,
  });
}

export function port() {
  return z.int().min(1).max(65535);
}

export function status() {
  const code = () => z.int().min(100).max(599);
  return z.union([code(), z.array(code()).min(1)]);
}

export function pathname() {
  return z.string().regex(/^\/[!-~]*$/, 'must be a path that starts with "/" and holds no spaces');
}

export function command() {
  return z.array(text()).min(1);
}

/** The name of an environment variable. Marked as secret where a value might be written by mistake, so that errors never show it. */
export function variableName(kind: "plain" | "secret") {
  const sentence =
    kind === "plain" ? "must be the name of an environment variable" : "must be the name of a secret, never its value";
  return z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, sentence)
    .meta({ secret: kind === "secret" });
}

export function environmentName() {
  return z
    .string()
    .regex(
      /^[a-z][a-z0-9-]{0,30}$/,
      "must be lower-case letters, digits and hyphens, at most 31, starting with a letter",
    );
}

export function checkName() {
  return z
    .string()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/,
      "must be letters, digits, hyphens and underscores, at most 63, not starting with a hyphen or underscore",
    );
}

export function imageName() {
  return z
    .string()
    .max(128)
    .regex(
      /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/,
      "must be lower-case letters and digits, with single dots, hyphens or underscores between",
    );
}

export function serviceName() {
  return z
    .string()
    .regex(
      /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/,
      "must be a service name as Compose takes it: letters, digits, dots, hyphens, underscores",
    );
}

export function repository() {
  return (
    z
      .string()
      .max(255)
      .regex(
        /^[a-zA-Z0-9.-]+(?::\d{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/,
        'must be a registry address such as "registry.example.com/shop": no "https://", no tag, lower-case path',
      )
      // People write user and password into addresses.
      .meta({ secret: true })
  );
}

/** A mapping whose exactly one key of `keys` has to be given. */
export function oneKeyOf<Shape extends z.ZodObject>(shape: Shape, keys: readonly string[]): Shape {
  return shape.meta({ oneOf: keys.map((key) => ({ required: [key] })) });
}
