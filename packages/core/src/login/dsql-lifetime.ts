const LONGEST_S = 55 * 60
const SPREAD_S = 10 * 60

/**
 * How long a pool keeps a connection to Aurora DSQL, in seconds. Aurora DSQL closes a session after 60 minutes, and a
 * transaction after 5. The time is random, so that connections that were opened together are not replaced together.
 */
export function dsqlLifetimeSeconds(): number {
  return Math.round(LONGEST_S - Math.random() * SPREAD_S)
}
