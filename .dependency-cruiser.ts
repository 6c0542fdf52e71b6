import type { IConfiguration } from "dependency-cruiser";

// The directions of imports, after "The house" in docs/architecture.md. Read by scripts/import-directions.ts, which asks
// about two views of the source: `runs` holds what is imported when the program runs, `types` also what is imported as a
// type. Paths begin with the view's name.

const faces = "(cli|server|action)";
const middle = "(deploy|checks|release|environments)";
const lower = "(targets|hosts|proxy|ledger|secrets|notify|github/api|github/app)";

/** Code that decides: it is given facts and answers with a decision, and can be tested without fakes. */
const deciding = [
  "deploy/(plan|states|notices)",
  "notify/(choose|words|masked|markdown|pull-request-table)",
  "notify/slack/(message|refusals)",
  "notify/email/message",
  "deploy/strategies/.+",
  "checks/(graph|files|canonical|key|judge|table|types)",
  "checks/reports/(read|junit|lcov|cobertura|eslint|sarif|xml|findings|line-coverage|unreadable)",
  "environments/record/(changes|change-state|rollback-choice|left-open)",
  "environments/(version-choice|identity|checklist|audit/.+|emergency/.+|queue/.+|retention/.+)",
  "environments/gates/.+",
  "environments/watch/.+",
  "release/(tags|version-name|changed-keys)",
  "config/init/.+",
  "release/scan/(findings|judge|sarif|summary)",
  "release/sbom/package-files",
  "github/(workflows|lint|import|read)/.+",
  "github/api/(next-page|repeat)",
  "ledger/github/(document|states|standing|checks)",
  "github/app/(requests|event-bodies|webhook-time)",
  "proxy/caddy/(buckets|router-config|edge-config|port-config)",
  "targets/compose/(place|routers)",
  "action/(annotations|inputs|markdown|outputs|phase|runner-text|ssh-texts|story|summary|unfinished)",
];
/** Words as data: what the layers say to each other. */
const vocabulary = ["(deploy|environments|release|targets|proxy|hosts|config|ledger|notify|github)/(.+/|)types"];
const pure = [...deciding, ...vocabulary].map((path) => `/src/${path}[.]js$`);
const decidingFiles = pure.map((path) => `^runs${path}`);

/** The modules of Node.js that reach the world. */
const world =
  "^(node:)?(child_process|cluster|dgram|dns|fs|http|http2|https|inspector|module|net|os|process|readline|repl|sqlite|timers|tls|tty|worker_threads)(/|$)";

export default {
  forbidden: [
    {
      name: "nobody-imports-a-face",
      comment: "Command line, server and action stand at the outside; what they share belongs further in.",
      severity: "error",
      from: { path: "^types/src/", pathNot: `^types/src/${faces}/` },
      to: { path: `^types/src/${faces}/` },
    },
    {
      name: "adapters-call-nothing-above",
      comment:
        "What touches the world is called by deploy, release and environments, and calls back nothing but code that decides.",
      severity: "error",
      from: { path: `^runs/src/${lower}/` },
      to: { path: `^runs/src/(config|${middle}|${faces})/`, pathNot: pure },
    },
    {
      name: "adapters-know-ports-above",
      comment:
        "Of the layers above, adapters know the ports they implement and the data they are given, not the configuration.",
      severity: "error",
      from: { path: `^types/src/${lower}/` },
      to: { path: "^types/src/config/" },
    },
    {
      name: "targets-are-chosen-by-faces",
      comment:
        "Deploying and releasing know ports; which target, proxy or ledger stands behind one is wired in a face.",
      severity: "error",
      from: { path: `^types/src/(config|${middle})/` },
      to: { path: "^types/src/(targets/[^/]+|proxy/[^/]+|ledger/[^/]+)/" },
    },
    {
      name: "hosts-stand-alone",
      comment: "Hosts, ledger and secrets know nothing of targets and proxies.",
      severity: "error",
      from: { path: "^types/src/(hosts|ledger|secrets|notify)/" },
      to: { path: `^types/src/(targets|proxy|config|${middle})/`, pathNot: pure },
    },
    {
      name: "proxies-know-no-target",
      severity: "error",
      from: { path: "^types/src/proxy/" },
      to: { path: "^types/src/targets/" },
    },
    {
      name: "configuration-stands-alone",
      comment: "What the user writes is read without knowing who will use it.",
      severity: "error",
      from: { path: "^types/src/config/" },
      to: { path: `^types/src/(${lower}|${middle}|${faces})/` },
    },
    {
      name: "deciding-touches-nothing",
      comment: "Code that decides reaches no file, network, process or clock, not even through what it imports.",
      severity: "error",
      from: { path: decidingFiles },
      to: { reachable: true, path: world },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: { path: "^runs/" },
      to: { circular: true },
    },
    {
      name: "the-product-needs-no-test",
      severity: "error",
      from: { path: "^types/src/" },
      to: { path: "^types/(test|scripts|bench|packages)/" },
    },
  ],
} satisfies IConfiguration;
