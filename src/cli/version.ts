declare const SHIPLOCK_VERSION: string | undefined;

/** This program's version: set when it is built. */
export const version = typeof SHIPLOCK_VERSION === "string" ? SHIPLOCK_VERSION : "0.1.0-dev";
