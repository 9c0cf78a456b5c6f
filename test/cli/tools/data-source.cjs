const { DataSource } = require('typeorm')

const url = process.env.DATABASE_URL
module.exports.source = new DataSource({ type: url.startsWith('mysql') ? 'mysql' : 'postgres', url })
