/** The version of GitHub's REST API that is simulated. */
export const apiVersion = "2022-11-28";
