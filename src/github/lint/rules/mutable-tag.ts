import type { JobFacts, Project, StepFacts } from "../../read/project.ts";
import { actionOf, inputOf, type Ran } from "../../read/scripts.ts";
import { dockerCall, runImage } from "../../read/shell/docker.ts";
import { optionValues } from "../../read/shell/program.ts";
import type { Word } from "../../read/shell/types.ts";
import { isMovingTag, tagOf, withVariables } from "../images.ts";
import type { Hit, Rule } from "../types.ts";

export const rule: Rule = {
  id: "mutable-tag",
  severity: "error",
  title: "A tag that moves is deployed",
  why: "What `latest` means changes with every push: two hosts can get different images in one deployment, a restart can change the release, and there is nothing to roll back to.",
  mend: "deploy the digest that the build has pushed (`image@sha256:…`), or at least a tag that holds the commit",
  find,
};

function find(project: Project): readonly Hit[] {
  const deploys = project.jobs.some((facts) => facts.deploys);
  return project.jobs.flatMap((facts) => [
    ...(facts.deploys ? facts.steps.flatMap((step) => deployed(facts, step)) : []),
    ...(deploys ? pushed(facts) : []),
  ]);
}

/** Images that are pulled or started where people use them. */
function deployed({ changes }: JobFacts, step: StepFacts): readonly Hit[] {
  return step.ran.flatMap((ran) => {
    const isChange = changes.some((change) => change.ran === ran);
    if (ran.script.where !== "host" && !isChange) return [];
    return imagesOf(ran).flatMap((word): Hit | readonly Hit[] => {
      const tag = tagOf(withVariables(word.text, ran, step));
      if (tag === null || !isMovingTag(tag) || !/[/$]/.test(word.text)) return [];
      const place = ran.script.text.placeAt(word.offsets[0] ?? 0);
      return {
        file: step.file,
        place,
        sentence: `the tag ${JSON.stringify(tag)} means whatever was pushed last, so what runs cannot be told, repeated or rolled back`,
      };
    });
  });
}

function imagesOf({ program }: Ran): readonly Word[] {
  const docker = dockerCall(program);
  if (docker !== null) {
    if (docker.verb === "pull") return docker.args.filter(({ text }) => !text.startsWith("-"));
    if (docker.verb === "run") return [runImage(docker.args) ?? []].flat();
    if (docker.verb === "service update" || docker.verb === "service create")
      return optionValues(docker.args, "--image");
    return [];
  }
  if (program.name !== "kubectl" || program.args[0]?.text !== "set") return [];
  return program.args.flatMap((word) => {
    const at = word.text.indexOf("=");
    return at === -1 || word.text.startsWith("-")
      ? []
      : [{ ...word, text: word.text.slice(at + 1), offsets: word.offsets.slice(at + 1) }];
  });
}

/** Builds that push nothing but tags that move. */
function pushed({ steps }: JobFacts): readonly Hit[] {
  const byAction = steps.flatMap((step): readonly Hit[] => {
    const tags = actionOf(step.step) === "docker/build-push-action" ? inputOf(step.step, "tags") : null;
    if (tags === null || inputOf(step.step, "push")?.value === "false" || inputOf(step.step, "push") === null)
      return [];
    const images = tags.value
      .split(/[\n,]/)
      .map((line) => line.trim())
      .filter((line) => line !== "");
    if (!onlyMoving(images)) return [];
    return [{ file: step.file, place: tags.place, sentence: pushedSentence(images) }];
  });
  const pushes = steps.flatMap((step) =>
    step.ran.flatMap((ran) => {
      const docker = dockerCall(ran.program);
      const word = docker?.verb === "push" ? docker.args.find(({ text }) => !text.startsWith("-")) : undefined;
      return word === undefined ? [] : [{ step, ran, image: withVariables(word.text, ran, step) }];
    }),
  );
  if (!onlyMoving(pushes.map(({ image }) => image))) return byAction;
  return [
    ...byAction,
    ...pushes.map(
      ({ step, ran, image }): Hit => ({ file: step.file, place: ran.place, sentence: pushedSentence([image]) }),
    ),
  ];
}

function onlyMoving(images: readonly string[]): boolean {
  return images.length > 0 && images.every((image) => isMovingTag(tagOf(image) ?? "?"));
}

function pushedSentence(images: readonly string[]): string {
  return `only ${JSON.stringify(tagOf(images[0] ?? "") ?? "")} is pushed, and the next build takes that tag away: no deployment can name this image, and no rollback finds it`;
}
