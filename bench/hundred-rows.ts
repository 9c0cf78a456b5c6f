/** Creates the table of the queries for 100 rows, in PostgreSQL. */
export const HUNDRED_ROWS = `create table hundred as
  select id, repeat('x', 50) as payload from generate_series(1, 100) as id`
