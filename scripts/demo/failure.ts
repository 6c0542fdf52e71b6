/** Something in the demo did not go as it has to: the demo ends with exit 1 and says so. */
export class DemoFailed extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DemoFailed";
  }
}
