import { defineConfig } from 'drizzle-kit'

const url = process.env['DATABASE_URL'] ?? ''
export default defineConfig({
  dialect: url.startsWith('mysql') ? 'mysql' : 'postgresql',
  dbCredentials: { url },
  out: 'cli/tools/migrations',
  migrations: { table: 'exec_drizzle', schema: 'public' },
})
