import { rule as branchRecord } from "./rules/branch-record.ts";
import { rule as broadPermissions } from "./rules/broad-permissions.ts";
import { rule as conditionAlwaysTrue } from "./rules/condition-always-true.ts";
import { rule as deployCancelled } from "./rules/deploy-cancelled.ts";
import { rule as fixedSleep } from "./rules/fixed-sleep.ts";
import { rule as guardOutsideLock } from "./rules/guard-outside-lock.ts";
import { rule as loginLeftBehind } from "./rules/login-left-behind.ts";
import { rule as longLivedCloudKey } from "./rules/long-lived-cloud-key.ts";
import { rule as mutableTag } from "./rules/mutable-tag.ts";
import { rule as noHealthCheck } from "./rules/no-health-check.ts";
import { rule as noRollback } from "./rules/no-rollback.ts";
import { rule as openRecord } from "./rules/open-record.ts";
import { rule as pointerBeforePull } from "./rules/pointer-before-pull.ts";
import { rule as productionRebuild } from "./rules/production-rebuild.ts";
import { rule as productionWithoutStaging } from "./rules/production-without-staging.ts";
import { rule as remoteErrorsIgnored } from "./rules/remote-errors-ignored.ts";
import { rule as rollbackSecondNewest } from "./rules/rollback-second-newest.ts";
import { rule as scriptInjection } from "./rules/script-injection.ts";
import { rule as secretBuildArgument } from "./rules/secret-build-argument.ts";
import { rule as splitLock } from "./rules/split-lock.ts";
import { rule as unlockedDeploy } from "./rules/unlocked-deploy.ts";
import { rule as unpinnedAction } from "./rules/unpinned-action.ts";
import { rule as unpinnedHostKey } from "./rules/unpinned-host-key.ts";
import { rule as untrustedCheckout } from "./rules/untrusted-checkout.ts";
import { rule as waitingRunDropped } from "./rules/waiting-run-dropped.ts";
import { rule as workflowRunCommit } from "./rules/workflow-run-commit.ts";
import { rule as workflowRunConclusion } from "./rules/workflow-run-conclusion.ts";
import type { Rule } from "./types.ts";

/** Every rule, in the order of the documentation. */
export const rules: readonly Rule[] = [
  scriptInjection,
  untrustedCheckout,
  unlockedDeploy,
  guardOutsideLock,
  splitLock,
  deployCancelled,
  waitingRunDropped,
  conditionAlwaysTrue,
  workflowRunConclusion,
  workflowRunCommit,
  noHealthCheck,
  fixedSleep,
  remoteErrorsIgnored,
  pointerBeforePull,
  mutableTag,
  productionRebuild,
  productionWithoutStaging,
  noRollback,
  rollbackSecondNewest,
  openRecord,
  branchRecord,
  loginLeftBehind,
  secretBuildArgument,
  unpinnedHostKey,
  longLivedCloudKey,
  unpinnedAction,
  broadPermissions,
];
