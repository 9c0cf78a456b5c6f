export {
  mysql2Config,
  type ClearPasswordPlugin,
  type Mysql2Config,
  type Mysql2Login,
  type Mysql2Options,
} from './mysql2.js'
