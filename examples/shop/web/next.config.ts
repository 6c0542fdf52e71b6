import type { NextConfig } from "next";
import { version } from "./app/version";

const config: NextConfig = {
  // The server with only the files it needs: the image holds no node_modules of the build.
  output: "standalone",
  poweredByHeader: false,
  images: { unoptimized: true },
  headers: async () => [{ source: "/:path*", headers: [{ key: "X-Version", value: version }] }],
};

export default config;
