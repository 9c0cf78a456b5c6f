const LONGEST_S = 55 * 60
const SPREAD_S = 10 * 60

/**
 * How long a pool keeps a connection to Aurora DSQL, in seconds. Aurora DSQL ends a session after 60 minutes, and a
 * transaction after 5. A random time, so that connections that were opened together do not end together.
 */
export function dsqlLifetimeSeconds(): number {
  return Math.round(LONGEST_S - Math.random() * SPREAD_S)
}
