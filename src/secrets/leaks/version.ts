/** What passed the rules of another version is looked through again. A test keeps it in step with the version that is installed. */
export const rulesVersion = "secretlint 13.0.7";
