/** The version that all tests run with. The configurations use nothing newer. */
export const testedCaddy = "2.6.2";

const oldest = [2, 6] as const;

export type CaddyJudgement = { ok: boolean; said: string };

/**
 * What a version of Caddy means for Shiplock, as a sentence.
 * @param output what `caddy version` printed: `2.6.2` as Debian has it, `v2.8.4 h1:…` as the public image has it
 */
export function judgeCaddy(output: string): CaddyJudgement {
  const found = /(?:^|\s)v?(\d+)\.(\d+)\.(\d+)/.exec(output);
  if (found === null) return { ok: false, said: `a Caddy of no known version (\`${output.trim().slice(0, 60)}\`)` };
  const numbers = found.slice(1).map(Number);
  const version = numbers.join(".");
  if (version === testedCaddy) return { ok: true, said: `Caddy ${version}, the version that is tested` };
  if (!isAtLeast(numbers, oldest))
    return { ok: false, said: `Caddy ${version}, which is older than ${oldest.join(".")}` };
  return { ok: true, said: `Caddy ${version}; tested is ${testedCaddy}, and nothing newer is relied on` };
}

function isAtLeast(numbers: readonly number[], least: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = numbers;
  return major > least[0] || (major === least[0] && minor >= least[1]);
}
