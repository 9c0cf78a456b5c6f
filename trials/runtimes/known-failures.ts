/** A case that fails on a runtime. When it no longer fails, remove it from the list. */
export interface KnownFailure {
  /** The runtime's name, without a version: a case that fails on only one version of Node is a bug of ours. */
  runtime: string
  /** The adapter's name in the contract. */
  adapter: string
  /** The case's name in the contract. */
  name: string
  /** What the runtime lacks, and the consequence for an application. */
  reason: string
}

/** All known failures. */
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
