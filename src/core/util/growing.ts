type Typed = Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** Small, as there may be many. */
const FIRST = 16;

/** A typed array that grows as values come. */
export class Growing<T extends Typed> {
  length = 0;
  private readonly Type: new (length: number) => T;
  private values: T;

  constructor(Type: new (length: number) => T) {
    this.Type = Type;
    this.values = new Type(FIRST);
  }

  push(value: number): void {
    if (this.length === this.values.length) {
      const larger = new this.Type(this.length * 2);
      larger.set(this.values);
      this.values = larger;
    }
    this.values[this.length++] = value;
  }

  add(at: number, value: number): void {
    this.values[at]! += value;
  }

  padTo(length: number, value = 0): void {
    while (this.length < length) this.push(value);
  }

  last(): number {
    return this.values[this.length - 1]!;
  }

  /** The values so far, as long as nothing is added. */
  view(): T {
    return this.values.subarray(0, this.length) as T;
  }

  done(): T {
    return this.values.slice(0, this.length) as T;
  }
}
