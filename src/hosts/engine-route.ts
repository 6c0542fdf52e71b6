import type { ShiplockError } from "../errors.ts";
import type { EngineSocketState } from "./agent-client.ts";
import { EngineError } from "./engine.ts";

/** `ready`: somebody listens on the socket on the host, and yet what was sent there got no answer. */
export type EngineSilence = { host: string; socket: string; request: string; cause: unknown; answered: boolean };

function error(silence: EngineSilence, code: string, message: string, remedy: string): EngineError {
  const { host, request, cause } = silence;
  return new EngineError({ code, host, request, message, remedy, cause });
}

/** What it means that the engine's socket gave no answer, when it looks so on the host. */
export function explainSilence(silence: EngineSilence, state: EngineSocketState): ShiplockError {
  const { host, socket } = silence;
  switch (state) {
    case "missing": {
      const message = `${host} has no engine: there is no socket ${socket}`;
      const remedy =
        "Install and start Docker there, or set DOCKER_HOST for the SSH user to where it listens (unix://…).";
      return error(silence, "engine/socket-missing", message, remedy);
    }
    case "denied": {
      const message = `The SSH user of ${host} may not use the engine (${socket})`;
      const remedy = "Add the user to the group `docker` there (`sudo usermod -aG docker USER`), then connect again.";
      return error(silence, "engine/permission", message, remedy);
    }
    case "silent": {
      const message = `The engine of ${host} does not run: nobody listens on ${socket}`;
      const remedy = "Start Docker there (`sudo systemctl start docker`), then run the command again.";
      return error(silence, "engine/unreachable", message, remedy);
    }
    case "listening": {
      if (silence.answered) {
        const message = `The engine of ${host} cut the connection; what was asked may or may not have happened`;
        const remedy =
          "It may have been restarted. Run the command again; it looks first at what has already happened.";
        return error(silence, "engine/unreachable", message, remedy);
      }
      const message = `sshd on ${host} does not forward to Unix sockets, so the engine is out of reach`;
      const remedy =
        "Set `AllowStreamLocalForwarding yes` in /etc/ssh/sshd_config there (`DisableForwarding no`), and reload sshd.";
      return error(silence, "ssh/forwarding-refused", message, remedy);
    }
  }
}
