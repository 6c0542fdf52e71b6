import { ShiplockError } from "../errors.ts";
import { createMasker } from "../secrets/mask.ts";

/**
 * Refuses build arguments that hold the value of a declared secret: an argument stays in the image's history, for everyone who can pull it. What counts as holding it is what
 * is masked in output: the value itself, in base64, URL-encoded or as JSON writes it, alone or inside of something longer. Values of fewer than four characters are let pass.
 * @param image its name, for the message
 * @param secrets declared secrets by name, with the values they have here
 * @throws ShiplockError `build/secret-argument`
 */
export function refuseSecretArguments(
  image: string,
  args: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, string>>,
): void {
  for (const [name, value] of Object.entries(secrets)) {
    const mask = createMasker([value]);
    const [holder] = Object.entries(args).find(([, text]) => mask(text) !== text) ?? [];
    if (holder === undefined) continue;
    throw new ShiplockError({
      code: "build/secret-argument",
      blame: "usage",
      message: `the build argument ${holder} of the image "${image}" holds the value of the secret ${name}, and arguments stay in the image's history, where everyone who can pull it reads them`,
      remedy: `name it under images.${image}.secrets instead, and read it in the Dockerfile with RUN --mount=type=secret,id=${name}`,
    });
  }
}
