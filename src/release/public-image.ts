import type { Image } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { MakeImageRequest } from "./make-image.ts";

/**
 * Refuses an image with an environment's values baked in where anybody can pull it, unless the configuration allows that. Asked without a login: before it is built, whether the
 * repository shows itself to anybody; after the push, whether this very image does.
 * @param digest of the image that was pushed; null before
 * Errors: `release/image-public`, and those of the registry when it cannot be found out: then it is not taken for private.
 */
export async function refusePublic(
  image: Image,
  digest: string | null,
  { shipper, environment, signal }: Pick<MakeImageRequest, "shipper" | "environment" | "signal">,
): Promise<void> {
  if (!image.perEnvironment || image.public) return;
  if (!(await shipper.isPublic(image.repository, digest, signal))) return;
  const pushed = digest === null ? "nothing was built or pushed" : `it was pushed as ${digest} and is not deployed`;
  throw new ShiplockError({
    code: "release/image-public",
    blame: "gate",
    message: `the image "${image.name}" holds values of ${environment.name}, and anybody can pull ${image.repository} without a login; ${pushed}`,
    remedy: `make the repository private in its registry${digest === null ? "" : ", and remove that image if its values are nobody's business"}; or write \`public: true\` beside the image in shiplock.yml if everybody may know them`,
  });
}
