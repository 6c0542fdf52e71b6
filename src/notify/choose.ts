import type { Notice, Notifier, NoticeRule } from "./types.ts";

/**
 * Who is told of a notice, in the order of the configuration.
 * @param onlyNamed only those that ask for this very event, not for a group it is in: for what somebody sees before their eyes anyway
 */
export function chooseNotifiers(
  rules: readonly NoticeRule[],
  notice: Pick<Notice, "event" | "environment">,
  onlyNamed = false,
): readonly Notifier[] {
  return rules
    .filter((rule) => (onlyNamed ? rule.named : rule.events).includes(notice.event))
    .filter(
      ({ environments }) =>
        environments === null || notice.environment === null || environments.includes(notice.environment),
    )
    .map((rule) => rule.notifier);
}
