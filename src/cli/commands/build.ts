import { resolveEnvironment } from "../../config/environment.ts";
import { ShiplockError } from "../../errors.ts";
import type { Built } from "../../release/build.ts";
import type { MadeImage } from "../../release/make-image.ts";
import { optionalArgument, textFlag } from "../arguments.ts";
import { seconds, showBuild } from "../build-lines.ts";
import { type CommandContext, loadProject } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { demandNoLeaks } from "../leak-gate.ts";
import type { Output } from "../output.ts";
import { prepareRelease, sayWhatIsTaken } from "../release-for.ts";
import { checkOutCommit, verifiedImagesOf } from "../release-source.ts";
import { withNotices } from "../with-notices.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const name = optionalArgument(args, 0);
  if (flags["verify"] === true) return verify(context, name, flags);
  if (name === null) throw noEnvironment();
  const { output } = context;
  const config = await loadProject(context);
  const environment = resolveEnvironment(config, name);
  const about = { environment: environment.name, kind: null, ofCommit: true };
  return withNotices(context, config, flags, about, async () => {
    const { release, made } = await prepareRelease(context, config, environment.name, "build", flags);
    output.result({ ...release, made: made.map(({ image, ...rest }) => ({ image: image.name, ...rest })) });
    output.line(
      `${output.paint.green("built")} ${output.paint.bold(release.id)}${release.environment === null ? "" : ` (holds values of ${release.environment}, and belongs to it alone)`}`,
    );
    for (const image of made) output.line(imageLine(image, output));
    return exitCodes.done;
  });
}

async function verify(context: CommandContext, name: string | null, flags: Flags): Promise<number> {
  const { output } = context;
  const config = await loadProject(context);
  if (name !== null) resolveEnvironment(config, name);
  const source = await checkOutCommit(context, config, textFlag(flags, "ref"), flags["dirty"] === true);
  try {
    const environment = name === null ? null : resolveEnvironment(source.config, name);
    sayWhatIsTaken(context, "build", source);
    await demandNoLeaks(context, source);
    const verified = await verifiedImagesOf(context, source, environment, {
      ...showBuild(output, source.config),
      noCache: flags["cache"] === false,
    });
    output.result({ commit: source.commit.hash, dirty: source.dirty, verified });
    output.line(
      `${output.paint.green("verified")} ${source.commit.hash.slice(0, 7)}: every image builds; nothing was pushed or recorded`,
    );
    for (const { image, platform, ms, built } of verified)
      output.line(
        `  ${image.padEnd(12)} ${platform.padEnd(14)} ${output.paint.dim(`${instructions(built)}, ${seconds(ms)}`)}`,
      );
    return exitCodes.done;
  } finally {
    await source.remove();
  }
}

function imageLine({ image, how, ms, builds }: MadeImage, { paint }: Output): string {
  const facts = Object.values(builds).map((built) =>
    [instructions(built), size(built.sizeBytes)].filter(Boolean).join(", "),
  );
  const what = { built: "built", found: "built before", reused: "unchanged, taken over" }[how];
  return `  ${image.name.padEnd(12)} ${image.repository}:${image.tag} ${paint.dim(image.digest)}\n${" ".repeat(15)}${[what, ...facts, seconds(ms)].join("; ")}`;
}

function instructions({ instructions: all, cached }: Built): string {
  return `${cached} of ${all} ${all === 1 ? "instruction" : "instructions"} cached`;
}

/** Megabytes of a million bytes, as Docker shows them. */
function size(bytes: number | null): string {
  return bytes === null ? "" : `${(bytes / 1_000_000).toFixed(bytes < 10_000_000 ? 1 : 0)} MB`;
}

function noEnvironment(): ShiplockError {
  return new ShiplockError({
    code: "build/no-environment",
    blame: "usage",
    message: "`shiplock build` names its images for an environment, and none was given",
    remedy: "name one: `shiplock build staging`; or only see that everything builds: `shiplock build --verify`",
  });
}
