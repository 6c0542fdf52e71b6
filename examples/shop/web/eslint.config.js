import next from "@next/eslint-plugin-next";
import typescript from "typescript-eslint";

export default typescript.config(
  { ignores: [".next/**", "next-env.d.ts"] },
  typescript.configs.recommended,
  next.configs["core-web-vitals"],
  { rules: { "no-console": "warn" } },
);
