/** A case that does not hold on a runtime. It must fail there: one that holds again is to be taken from the list. */
export interface KnownFailure {
  /** The runtime's name; what fails on one version of Node alone is no known failure but a fault of ours. */
  runtime: string
  /** The adapter's name in the contract. */
  adapter: string
  /** The case's name in the contract. */
  name: string
  /** What the runtime lacks, and what follows for an application. */
  reason: string
}

/** All that is known not to hold. */
export const knownFailures: KnownFailure[] = [
  {
    runtime: 'Bun',
    adapter: '@rds-iam/core',
    name: 'publishes events to subscribers from before it was loaded',
    reason:
      'Bun forgets a subscription of node:diagnostics_channel when nothing else holds the channel. ' +
      'Subscribe after importing our packages, which hold theirs.',
  },
]
