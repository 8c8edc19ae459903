// The internet, for the shop as it was: what it sends to a vendor's host goes to the simulator instead (`node --import`).

const send = globalThis.fetch;
globalThis.fetch = (address, options) =>
  send(String(address).replace("https://api.sendgrid.com", `${process.env.SIMULATOR}/sendgrid`), options);
