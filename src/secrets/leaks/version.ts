/** What passed the rules of another version is looked through again. A test keeps it in step with the version that is installed; `forms` goes up when the ways in which the value of a secret is looked for do. */
export const rulesVersion = "secretlint 13.0.7, forms 2";
