import type { Knex } from 'knex'

export async function up(knex: Knex): Promise<void> {
  await knex.schema.createTable('knexfile_orders', (table) => {
    table.increments('id')
    table.string('item').notNullable()
  })
}

export async function down(knex: Knex): Promise<void> {
  await knex.schema.dropTable('knexfile_orders')
}
