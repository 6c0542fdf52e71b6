import { actionOf, inputOf } from "../read/scripts.ts";
import type { Step } from "../read/types.ts";
import { textOf } from "../read/values.ts";
import { goesToHost } from "./hosts.ts";
import { secretIn } from "./texts.ts";
import type { Notice } from "./types.ts";

export type ActionSense =
  | { readonly kind: "covered" }
  | { readonly kind: "notice"; readonly notice: Notice }
  | { readonly kind: "left"; readonly why: string; readonly instead: string };

/** Actions whose work Shiplock, or the image of a check, does without being told. */
const needless =
  /^(?:actions\/(?:setup-node|setup-python|setup-go|setup-java|cache|cache\/restore|cache\/save|download-artifact)|astral-sh\/setup-uv|pnpm\/action-setup|snok\/install-poetry|ruby\/setup-ruby|shivammathur\/setup-php|docker\/(?:setup-buildx-action|setup-qemu-action|metadata-action|login-action|build-push-action|setup-docker-action|setup-compose-action)|webfactory\/ssh-agent|shimataro\/ssh-key-action|kielabokkie\/ssh-key-and-known-hosts-action|step-security\/harden-runner)$/;

const slackActions: ReadonlySet<string> = new Set([
  "slackapi/slack-github-action",
  "8398a7/action-slack",
  "rtcamp/action-slack-notify",
  "act10ns/slack",
  "ravsamhq/notify-slack-action",
]);

/** What a step that uses an action is for, and what becomes of it. */
export function senseOfAction(step: Step, role: "check" | "build" | "deploy"): ActionSense {
  const action = actionOf(step);
  if (action === "actions/checkout") return senseOfCheckout(step);
  if (slackActions.has(action)) return { kind: "notice", notice: slackNotice(step) };
  if (goesToHost(action)) return { kind: "covered" };
  if (action === "actions/upload-artifact")
    return role === "check"
      ? { kind: "covered" }
      : left(
          "a release is its images: no job hands files to another",
          "what a deployment needs goes into an image or the compose file",
        );
  if (needless.test(action)) return { kind: "covered" };
  if (action.startsWith("aws-actions/configure-aws-credentials")) {
    const assumed = inputOf(step, "role-to-assume")?.value;
    return left(
      `it signs in at a cloud${assumed === undefined ? "" : ` as ${assumed}`}`,
      "where secrets lie there: `secrets.providers` with `aws-secrets-manager` or `aws-ssm` and `role`; generated jobs then ask GitHub for its identity",
    );
  }
  if (action === "aws-actions/amazon-ecr-login" || action.startsWith("google-github-actions/auth"))
    return left(
      "the password of a registry is made anew for each run",
      "give `registry.password` the name of a secret that holds one, or of a provider `command` that prints it",
    );
  if (/codecov|coveralls/.test(action))
    return left(
      "a coverage report is sent to a service",
      "`coverage: { file, atLeast }` of the check reads and judges it here",
    );
  if (/dorny\/paths-filter|changed-files/.test(action))
    return left("jobs depend on which files changed", "`files` of a check: unchanged, it is answered from the cache");
  if (/trivy|anchore\/scan|grype|snyk/.test(action))
    return left(
      "images are looked through for what is known to be vulnerable",
      "the gate `scan` does it for every image (docs/scanning.md)",
    );
  if (/gitleaks|trufflehog/.test(action))
    return left("secrets in commits are looked for", "the gate `leaks` does it without being told (docs/leaks.md)");
  if (/codeql/.test(action))
    return left(
      "GitHub's own analysis of the code",
      "keep it as a workflow of its own; `statuses` makes an environment wait for it",
    );
  if (/junit|test-report/.test(action))
    return left("a report of tests is shown on GitHub", "`junit` of the check reads it");
  if (/setup-|toolchain/.test(action))
    return left("a tool is installed on the runner", "take an image for the check that has it");
  if (/discord|telegram|teams|mail/.test(action))
    return left("it tells somebody", "`notify` knows Slack, mail and webhooks (docs/notifications.md)");
  if (action.startsWith("./")) return { kind: "covered" };
  return left(
    "what this action does is not known here",
    role === "deploy"
      ? "if it belongs to the deployment, make its command one of `hooks`"
      : "write the command that it runs into `run`",
  );
}

function senseOfCheckout(step: Step): ActionSense {
  for (const name of ["submodules", "lfs", "repository"]) {
    const value = inputOf(step, name)?.value;
    if (value !== undefined && value !== "false")
      return left(
        `the checkout takes more than this repository's files: ${name}`,
        "Shiplock works on the commit's own files; generated workflows have a checkout that you can look at",
      );
  }
  return { kind: "covered" };
}

function slackNotice(step: Step): Notice {
  const entries = [...step.with, ...step.env];
  const named = (pattern: RegExp): string | null => {
    const found = entries.find(({ key }) => pattern.test(key));
    return found === undefined ? null : textOf(found.value);
  };
  const condition = step.if?.value ?? "";
  return {
    webhook: secretIn(named(/^(?:slack[-_])?webhook(?:[-_]url)?$|^SLACK_WEBHOOK/i) ?? ""),
    channel:
      named(/^(?:slack[-_])?channel(?:[-_](?:id|name))?$/i) ??
      /"channel"\s*:\s*"([^"]+)"|channel:\s*"?([#\w-]+)/
        .exec(named(/^payload$/i) ?? "")
        ?.slice(1)
        .find((one) => one !== undefined) ??
      null,
    token: secretIn(named(/^(?:SLACK_BOT_)?token$|^SLACK_(?:BOT_)?TOKEN$/i) ?? ""),
    failuresOnly: /failure\(\)|'failure'/.test(condition) && !/always\(\)/.test(condition),
    environments: [],
  };
}

function left(why: string, instead: string): ActionSense {
  return { kind: "left", why, instead };
}
