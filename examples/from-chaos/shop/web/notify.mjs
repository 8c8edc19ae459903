// Tells a customer that an order is on its way: node web/notify.mjs EMAIL ORDER

const [email, order] = process.argv.slice(2);
const answer = await fetch("https://api.sendgrid.com/v3/mail/send", {
  method: "POST",
  headers: {
    authorization: `Bearer ${process.env.SENDGRID_API_KEY}`,
    "content-type": "application/json",
  },
  body: JSON.stringify({
    personalizations: [{ to: [{ email }] }],
    from: { email: "shop@larkspur.example" },
    subject: `Order ${order} is on its way`,
    content: [{ type: "text/plain", value: "Thank you!" }],
  }),
});
console.log(answer.ok ? "mail: sent" : `mail: error ${answer.status}`);
