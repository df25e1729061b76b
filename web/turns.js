// Whose turn it is: so many at a time, the others in the order in which they came.

/** Room for `most` at a time. */
export class Turns {
  constructor(most) {
    Object.assign(this, { most, running: 0, waiting: [] });
  }

  /** Does `work` when there is room. */
  async take(work) {
    if (this.running < this.most) this.running += 1;
    else await new Promise((go) => this.waiting.push(go));
    try {
      return await work();
    } finally {
      // Handed over, so that nobody who comes in between takes it.
      const next = this.waiting.shift();
      if (next) next();
      else this.running -= 1;
    }
  }
}
