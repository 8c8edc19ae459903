// Tells a customer that an order is on its way: node web/notify.mjs EMAIL ORDER

const [email, order] = process.argv.slice(2);
const url = process.env.TRUNKLINE_URL ?? "http://127.0.0.1:4000";
const answer = await fetch(`${url}/api/proxy/sendgrid/v3/mail/send`, {
  method: "POST",
  headers: {
    authorization: `Bearer ${process.env.TRUNKLINE_KEY}`,
    "content-type": "application/json",
    "x-trunkline-feature": "orders",
  },
  body: JSON.stringify({
    personalizations: [{ to: [{ email }] }],
    from: { email: "shop@larkspur.example" },
    subject: `Order ${order} is on its way`,
    content: [{ type: "text/plain", value: "Thank you!" }],
  }),
});
if (answer.ok) {
  console.log("mail: sent");
} else {
  const { source, code, message, retryable, correlationId } = await answer.json();
  console.log(
    `mail: source=${source}, code=${code}, message=${message}, retryable=${retryable}, correlationId=${correlationId}`,
  );
}
