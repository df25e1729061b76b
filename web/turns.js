// Whose turn it is: so many at a time, the others in the order in which they came.

/** Room for `most` at a time. */
export class Turns {
  constructor(most) {
    Object.assign(this, { most, running: 0, waiting: [] });
  }

  /** Does `work` when there is room. */
  async take(work) {
    if (this.running >= this.most) await new Promise((go) => this.waiting.push(go));
    this.running += 1;
    try {
      return await work();
    } finally {
      this.running -= 1;
      this.waiting.shift()?.();
    }
  }
}
