import { EngineError } from "./engine.ts";

type Rule = { code: string; pattern: RegExp; message: string; remedy: string };

/** The engine gives most causes only in its words, with status 500; the first rule that fits names the cause. */
const RULES: readonly Rule[] = [
  {
    code: "engine/no-space",
    pattern: /no space left on device|disk quota exceeded/i,
    message: "The disk of the host is full",
    remedy: "Free room on the host (see `docker system df` there), then run the command again.",
  },
  {
    code: "engine/port-taken",
    pattern: /port is already allocated|address already in use/i,
    message: "A port on the host is taken by something else",
    remedy: "Stop what listens on that port, or choose another port in the compose file.",
  },
  {
    code: "engine/registry-auth",
    pattern:
      /unauthorized|authentication required|no basic auth credentials|(?:pull|push|requested) access(?: to the resource is)? denied|incorrect username or password/i,
    message: "The registry refused the login",
    remedy: "Check the user name and password (or token) for this registry, and that it may read the image.",
  },
  {
    code: "engine/image-missing",
    pattern:
      /no such image|failed to get digest sha256:|manifest unknown|manifest for .* not found|repository name not known|: not found$/i,
    message: "The image is not there",
    remedy: "Build and push the release again, or choose one whose images still exist.",
  },
  {
    code: "engine/registry-unreachable",
    pattern:
      /dial tcp|no such host|TLS handshake|x509:|server gave HTTP response to HTTPS client|Client\.Timeout|i\/o timeout|context deadline exceeded|unexpected EOF|connection refused/i,
    message: "The host could not reach the registry",
    remedy: "Check from the host that the registry answers (name, port, certificate), then run the command again.",
  },
];

/** What an engine's answer means, given what was asked for: image rules only fit where an image was asked for. */
function ruleFor(request: string, status: number, engineMessage: string): Rule | undefined {
  const aboutImages = request.includes("/images/") || request.includes("/containers/create");
  return RULES.find((rule) => {
    if (!rule.pattern.test(engineMessage)) return false;
    if (rule.code === "engine/image-missing") return aboutImages && (status === 404 || status >= 500);
    // An archive that is read or taken in has nothing to do with a registry.
    if (rule.code.startsWith("engine/registry"))
      return request.includes("/images/") && !/\/images\/(?:get|load)/.test(request);
    return true;
  });
}

function codeForStatus(status: number): string {
  if (status === 404) return "engine/not-found";
  if (status === 409) return "engine/conflict";
  return status < 500 ? "engine/refused" : "engine/failed";
}

/**
 * The error for an answer that is not a success.
 *
 * @param host name of the host, for the person
 * @param request method and path as "POST /containers/create"
 * @param status HTTP status; for an error inside a progress stream, 500
 * @param engineMessage the engine's own words
 */
export function engineRefusal(host: string, request: string, status: number, engineMessage: string): EngineError {
  const rule = ruleFor(request, status, engineMessage);
  const words = engineMessage.trim() || `status ${status}`;
  if (rule === undefined) {
    const message = `The engine on ${host} answered: ${words}`;
    return new EngineError({ code: codeForStatus(status), host, request, status, engineMessage, message });
  }
  const message = `${rule.message}: ${words}`;
  return new EngineError({ code: rule.code, host, request, status, engineMessage, message, remedy: rule.remedy });
}
