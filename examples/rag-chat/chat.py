"""Answers questions from a handful of documents: their vectors lie in Qdrant, the answer streams from a model.

`python chat.py "May I bring my dog?"`. Without Qdrant it answers all the same, and says that it had nothing to look things up in.
"""

import sys

from trunkline import IntegrationError, Trunkline

DOCUMENTS = (
    "Guests may bring one dog each; cats stay at home.",
    "Breakfast is served from seven to ten, on Sundays until eleven.",
    "The sauna is heated from four in the afternoon; towels lie at the desk.",
)
COLLECTION = "/collections/house-rules"
SIZE = 256
"""Of the vectors; the model makes shorter ones when asked."""


def vectors(trunkline: Trunkline, texts: list[str]) -> list[list[float]]:
    """One for each text."""
    return [list(one) for one in trunkline.embed_text(texts, model="embedding", dimensions=SIZE).vectors]


def index(trunkline: Trunkline) -> None:
    """Puts the documents into Qdrant, unless they are all there."""
    qdrant = trunkline.integration("qdrant")
    if not qdrant.get(f"{COLLECTION}/exists").json()["result"]["exists"]:
        qdrant.put(COLLECTION, json={"vectors": {"size": SIZE, "distance": "Cosine"}})
    there = qdrant.post(f"{COLLECTION}/points/count", json={"exact": True}).json()["result"]["count"]
    if there == len(DOCUMENTS):
        return
    points = [
        {"id": number, "vector": vector, "payload": {"text": text}}
        for number, (text, vector) in enumerate(
            zip(DOCUMENTS, vectors(trunkline, list(DOCUMENTS)), strict=True)
        )
    ]
    qdrant.put(f"{COLLECTION}/points", params={"wait": "true"}, json={"points": points})


def found(trunkline: Trunkline, question: str) -> list[str]:
    """The documents nearest to the question, best first."""
    [vector] = vectors(trunkline, [question])
    asked = {"query": vector, "limit": 2, "with_payload": True}
    points = trunkline.integration("qdrant").post(f"{COLLECTION}/points/query", json=asked).json()
    return [point["payload"]["text"] for point in points["result"]["points"]]


def main(question: str) -> None:
    """Prints what was found, then the answer as it comes."""
    with Trunkline(feature="rag-chat") as trunkline:
        try:
            index(trunkline)
            sources = found(trunkline, question)
        except IntegrationError as problem:
            print(f"(no documents: {problem.source} {problem.code})")
            sources = []
        for number, source in enumerate(sources, 1):
            print(f"[{number}] {source}")
        rules = "\n".join(sources) or "You have no documents; say so."
        messages = [
            {"role": "system", "content": f"Answer from this:\n{rules}"},
            {"role": "user", "content": question},
        ]
        stream = trunkline.stream(messages, model="chat")
        for chunk in stream:
            print(chunk, end="", flush=True)
        about = stream.completion.about
        print(f"\n-- {about.integration}" + (", because another failed" if about.fallback else ""))


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]) or "May I bring my dog?")
