/** A number of bytes for a person: "812 MB", "12.3 MB", "40 kB". */
export function bytesInWords(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 100e6 && bytes % 1e6 !== 0 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e6)} MB`;
}
