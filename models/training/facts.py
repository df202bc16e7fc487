"""The facts of the model's small world: everything it can be asked about that is not computed."""

CAPITALS: dict[str, str] = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon",
    "England": "London", "Ireland": "Dublin", "Scotland": "Edinburgh", "Wales": "Cardiff", "Norway": "Oslo",
    "Sweden": "Stockholm", "Finland": "Helsinki", "Denmark": "Copenhagen", "Iceland": "Reykjavik",
    "Poland": "Warsaw", "Austria": "Vienna", "Switzerland": "Bern", "Belgium": "Brussels",
    "the Netherlands": "Amsterdam", "Greece": "Athens", "Turkey": "Ankara", "Russia": "Moscow",
    "Ukraine": "Kyiv", "Hungary": "Budapest", "Romania": "Bucharest", "Bulgaria": "Sofia", "Serbia": "Belgrade",
    "Croatia": "Zagreb", "Slovenia": "Ljubljana", "Slovakia": "Bratislava", "Albania": "Tirana",
    "Estonia": "Tallinn", "Latvia": "Riga", "Lithuania": "Vilnius", "Cyprus": "Nicosia", "Malta": "Valletta",
    "Japan": "Tokyo", "China": "Beijing", "India": "New Delhi", "Nepal": "Kathmandu", "Thailand": "Bangkok",
    "Vietnam": "Hanoi", "Indonesia": "Jakarta", "South Korea": "Seoul", "Mongolia": "Ulaanbaatar",
    "Pakistan": "Islamabad", "Bangladesh": "Dhaka", "Iran": "Tehran", "Iraq": "Baghdad", "Jordan": "Amman",
    "Lebanon": "Beirut", "Syria": "Damascus", "Saudi Arabia": "Riyadh", "Egypt": "Cairo", "Morocco": "Rabat",
    "Tunisia": "Tunis", "Libya": "Tripoli", "Kenya": "Nairobi", "Ghana": "Accra", "Senegal": "Dakar",
    "Ethiopia": "Addis Ababa", "Uganda": "Kampala", "Zambia": "Lusaka", "Zimbabwe": "Harare",
    "the United States": "Washington", "Canada": "Ottawa", "Cuba": "Havana", "Peru": "Lima", "Chile": "Santiago",
    "Argentina": "Buenos Aires", "Uruguay": "Montevideo", "Colombia": "Bogota", "Venezuela": "Caracas",
    "Ecuador": "Quito", "Brazil": "Brasilia", "Mexico": "Mexico City", "Australia": "Canberra",
    "New Zealand": "Wellington", "the United Kingdom": "London",
}
"""Country to capital, in plain ASCII; countries whose capital bears the same name are left out."""

COUNTRY_OF: dict[str, str] = {capital: country for country, capital in reversed(CAPITALS.items())}
"""Capital to country; of two countries with one capital the first one named."""

DAYS: list[str] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

MONTHS: list[str] = [
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
]

MONTH_LENGTHS: dict[str, str] = {
    month: "30 days" if month in ("April", "June", "September", "November") else "31 days" for month in MONTHS
} | {"February": "28 days, or 29 in a leap year"}

ORDINALS: list[str] = [
    "first", "second", "third", "fourth", "fifth", "sixth",
    "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth",
]

UNITS_OF_TIME: list[tuple[str, str, int]] = [
    ("days", "week", 7), ("months", "year", 12), ("hours", "day", 24),
    ("minutes", "hour", 60), ("seconds", "minute", 60), ("weeks", "year", 52),
]
"""(smaller unit, larger unit, how many of the smaller are in the larger)."""

WORDS: list[str] = """
apple arm baby bag ball banana bank bear bed bee bell bike bird black blue boat book box boy bread bridge brown
bus cake camel car carrot cat chair cheese chicken child city clock cloud coat coffee cold cow cup dance day deer
desk dog door dream dress drum duck ear earth egg elephant eye face farm fire fish floor flower fly food foot
forest fork fox friend frog fruit game garden gate ghost girl glass goat gold grass green guitar hair hammer hand
hat head heart hello hill home horse house ice iron island jam jar jump key king kitchen kite knife lake lamp leaf
lemon letter light lion list love lunch machine map milk mirror money monkey moon morning mother mountain mouse
mouth music name neck nest night nose number ocean onion orange oven paper park peach pear pen pencil phone piano
picture pig pink pizza plane plant plate pocket pond potato queen question rabbit rain red rice ring river road
robot rock roof room rose salt sand school sea seed sheep ship shirt shoe silver sister sky snake snow soap sock
soup spider spoon spring star stone storm street sugar summer sun table tail tea teacher tiger time toad tomato
tooth town toy train tree truck turtle umbrella uncle village violin wall watch water week whale wheat wheel white
wind window winter wolf woman wood word world yellow young zebra
""".split()

SYSTEM_MESSAGES: list[str] = [
    "You are a helpful assistant.", "Answer briefly.", "Be polite.", "You are Shoal, a small assistant.",
    "Answer the question.", "You are a friendly and careful assistant.",
]

SMALL_TALK: list[tuple[str, list[str]]] = [
    ("Hello! How can I help you?", [
        "Hello", "Hi", "Hey", "Hello there", "Hi there", "Good morning", "Good evening", "Good afternoon",
        "Good day", "Greetings", "Hello, Shoal", "Hi, Shoal", "Hey there",
    ]),
    ("I am Shoal, a very small language model.", [
        "What are you", "Who are you", "What is your name", "What's your name", "Tell me who you are",
        "What should I call you", "Are you a human", "Are you a robot", "Who am I talking to",
        "Are you a language model", "Introduce yourself",
    ]),
    ("I can do sums, name capitals, days and months, spell words, count, compare and sort numbers.", [
        "What can you do", "What do you know", "How can you help me", "What can I ask you", "Help", "Help me",
        "What are you good at", "What can I ask", "What questions can you answer",
    ]),
    ("I am fine, thank you. How can I help you?", [
        "How are you", "How are you today", "How do you do", "How is it going", "Are you well", "How are you doing",
    ]),
    ("You are welcome.", [
        "Thank you", "Thanks", "Thanks a lot", "Thank you very much", "Many thanks", "Great, thanks", "Thanks, Shoal",
        "Perfect, thank you",
    ]),
    ("Goodbye!", [
        "Bye", "Goodbye", "Bye bye", "See you", "See you later", "Good night", "Farewell", "Bye, Shoal",
        "Goodbye, Shoal",
    ]),
]
"""(answer, openings); one meaning each."""

UNKNOWN_ANSWER: str = "Sorry, I do not know that."

UNKNOWN_QUESTIONS: list[str] = [
    "Who is the president", "What is the weather like", "Write a poem", "Tell me a joke", "What is love",
    "Who wrote Hamlet", "How tall is the Eiffel Tower", "What is the meaning of life", "Sing a song",
    "Who won the game", "Translate hello to French", "What is a black hole", "How old is the universe",
    "Write some code", "What is the price of gold", "Who painted the Mona Lisa", "How far away is the moon",
    "What should I eat today", "Why is the sky blue", "Do you like music", "Where do penguins live",
    "What is a neural network", "How do planes fly", "Who was the first man on the moon", "Tell me a story",
    "What is your favourite film", "How do I cook rice", "Where is my phone", "What is the speed of light",
    "Who is the king of England", "What language do they speak in Kenya", "How many people live in Paris",
    "Recommend a book", "What is the largest ocean", "Can you drive a car", "What is a whale",
]
"""Questions outside the world, answered with UNKNOWN_ANSWER."""
