module.exports = {
  up: (queryInterface, { INTEGER, STRING }) =>
    queryInterface.createTable('sequelize_orders', {
      id: { type: INTEGER, primaryKey: true },
      item: { type: STRING, allowNull: false },
    }),
  down: (queryInterface) => queryInterface.dropTable('sequelize_orders'),
}
