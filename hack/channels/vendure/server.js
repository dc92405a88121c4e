// A Vendure server with an empty shop in memory, for the tests of the connector: PORT is where it listens on
// the loopback interface, USERNAME and PASSWORD are those of its superadmin.
const { bootstrap, DefaultLogger, LogLevel } = require('@vendure/core');

bootstrap({
  apiOptions: { hostname: '127.0.0.1', port: Number(process.env.PORT), adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
  authOptions: {
    tokenMethod: ['bearer', 'cookie', 'api-key'],
    superadminCredentials: { identifier: process.env.USERNAME, password: process.env.PASSWORD },
    cookieOptions: { secret: 'of a test' },
  },
  dbConnectionOptions: { type: 'sqljs', synchronize: true, autoSave: false, logging: false },
  paymentOptions: { paymentMethodHandlers: [] },
  logger: new DefaultLogger({ level: LogLevel.Info, timestamp: false }),
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
