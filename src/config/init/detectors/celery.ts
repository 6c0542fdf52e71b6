import { moduleOf, type PythonProject, pythonSources } from "../python-project.ts";
import { codeOf } from "../search-code.ts";
import type { Tree } from "../tree.ts";
import type { Health, Process } from "../types.ts";

/** The worker of Celery, and its scheduler where there is a schedule, out of where the sources make `Celery(…)`. */
export function celeryProcesses(tree: Tree, project: PythonProject, name: string): readonly Process[] {
  if (!project.packages.has("celery")) return [];
  const sources = pythonSources(tree, project.folder);
  const made = sources.find((path) => /=\s*Celery\(/.test(codeOf(tree, path)));
  if (made === undefined) return [];
  const app = moduleOf(project.folder, made).replace(/\.celery$/, "");
  const code = sources.map((path) => codeOf(tree, path)).join("\n");
  const worker: Process = {
    name: `${name === "web" || name === "api" ? "" : `${name}-`}worker`,
    command: ["celery", "-A", app, "worker", "--loglevel", "INFO"],
    health: celeryHealth(app),
  };
  const scheduled = /beat_schedule|CELERY_BEAT_SCHEDULE|\bcrontab\(|django_celery_beat|add_periodic_task/.test(code);
  if (!scheduled) return [worker];
  const scheduler = code.includes("django_celery_beat")
    ? ["--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"]
    : ["--schedule", "/tmp/celerybeat-schedule"];
  const beat: Process = {
    name: worker.name.replace(/worker$/, "beat"),
    command: ["celery", "-A", app, "beat", ...scheduler, "--pidfile", "/tmp/celerybeat.pid"],
    health: { kind: "command", command: ["test", "-s", "/tmp/celerybeat.pid"] },
    comment: "Two of them would send every task twice: for the seconds of a deployment both releases run.",
  };
  return [worker, beat];
}

/** Whether the worker of this container answers; without its name the one of the old release would answer for it. */
export function celeryHealth(app: string): Health {
  return {
    kind: "command",
    command: ["sh", "-c", `celery -A ${app} inspect ping --destination "celery@$HOSTNAME"`],
  };
}
