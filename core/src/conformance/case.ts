/**
 * One behaviour that every implementation of a contract shows. Suites are lists of these, so that any test runner takes
 * them: `for (const { name, run } of suite) t.test(name, run)`.
 */
export interface ConformanceCase {
  readonly name: string;
  /** Rejects with an assertion error that says what differs. */
  readonly run: () => Promise<void>;
}
