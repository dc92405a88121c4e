// The configuration of a server that lives as long as a test: no Admin pages, everything in memory but the database.
const { defineConfig } = require("@medusajs/framework/utils")

module.exports = defineConfig({
  admin: { disable: true },
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { connection: { ssl: false } },
    http: { jwtSecret: "test", cookieSecret: "test", storeCors: "", adminCors: "", authCors: "" },
  },
})
