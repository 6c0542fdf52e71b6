import { ShiplockError } from "../../errors.ts";
import { type Engine, EngineError, type RegistryAuth } from "../../hosts/engine.ts";

export type ImageSource = {
  /** The image's id on the engine, which names its content; it is pulled where the engine lacks it. */
  idOf(reference: string): Promise<string>;
};

/**
 * The images of a run's checks. Each is looked up once, however many checks want it at the same time.
 * @param authFor the login for a reference's registry; undefined for none
 * @param note is told of a pull, which may take a while
 */
export function imageSource(options: {
  engine: Engine;
  authFor: (reference: string) => Promise<RegistryAuth | undefined>;
  note: (text: string) => void;
  signal: AbortSignal;
}): ImageSource {
  const { engine, authFor, note, signal } = options;
  const asked = new Map<string, Promise<string>>();

  async function find(reference: string): Promise<string> {
    const there = await engine.inspectImage(reference, { signal });
    if (there !== null) return there.id;
    note(`pulling ${reference}`);
    const named = /@|:[^/]*$/.test(reference) ? reference : `${reference}:latest`;
    const login = await authFor(reference);
    await engine.pullImage(named, login, undefined, { signal }).catch((error: unknown) => {
      throw error instanceof EngineError ? notPulled(reference, error) : error;
    });
    const pulled = await engine.inspectImage(reference, { signal });
    if (pulled !== null) return pulled.id;
    throw new ShiplockError({
      code: "check/image-missing",
      message: `the image ${reference} was pulled, and the engine does not have it`,
      remedy: "run the command again; something may be removing images on this machine",
    });
  }

  return {
    idOf(reference) {
      const found = asked.get(reference) ?? find(reference);
      asked.set(reference, found);
      return found;
    },
  };
}

/** The engine's error speaks of hosts and of its own requests; a check runs on this machine. */
function notPulled(reference: string, error: EngineError): ShiplockError {
  return new ShiplockError({
    code: error.code,
    message: `the image ${reference} could not be pulled: ${error.engineMessage}`,
    remedy:
      "look at its name and tag; this machine's engine has to reach its registry, and to have a login where that wants one",
    cause: error,
  });
}
