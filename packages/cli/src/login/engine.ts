/** A database engine, by the name of the protocol that it speaks: MariaDB speaks that of `mysql`. */
export type Engine = 'postgres' | 'mysql'

/** The port that each engine listens on unless told otherwise. */
export const DEFAULT_PORTS: Readonly<Record<Engine, number>> = { postgres: 5432, mysql: 3306 }

/** How people call the engines. */
export const ENGINE_NAMES: Readonly<Record<Engine, string>> = { postgres: 'PostgreSQL', mysql: 'MySQL' }
