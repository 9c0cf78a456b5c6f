// rds.teardown.js
module.exports = () => globalThis.rds.close()
