// Logs in with only DATABASE_URL and the given driver, and prints the result of a query. `pg-environment` reads PGHOST
// and the other PG variables instead.
const { Client } = require('pg')

const queries = {
  pg: (url) => queryPg(new Client({ connectionString: url })),
  'pg-environment': () => queryPg(new Client()),
  async postgres(url) {
    const sql = require('postgres')(url)
    const [row] = await sql`select 40 + 2 as answer`
    await sql.end()
    return row.answer
  },
  async mysql2(url) {
    const connection = await require('mysql2/promise').createConnection(url)
    const [[row]] = await connection.query('select 40 + 2 as answer')
    await connection.end()
    return row.answer
  },
}

async function queryPg(client) {
  await client.connect()
  const { rows } = await client.query('select 40 + 2 as answer')
  await client.end()
  return rows[0].answer
}

queries[process.argv[2]](process.env.DATABASE_URL).then(
  (answer) => console.log(answer),
  ({ code, message }) => {
    console.log(code, message)
    process.exit(3)
  },
)
