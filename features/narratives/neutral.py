"""Sentences that are about no subject: of a loan, a lender or a conversation, and nothing that an applicant tells.

They compete with the statements of concepts. A title such as "Personal loan" resembles every statement with the word
"loan", and would be named after one of them; a sentence that is nearer to one of these groups matches no concept. What
is sensitive is not withheld by them.
"""

NEUTRAL = (
    (
        "Personal loan",
        "My loan",
        "Loan request",
        "Small loan",
        "Loan number 2",
        "The loan",
        "A loan for personal use",
        "Application for a loan",
    ),
    (
        "I applied for a loan with this company.",
        "There was a loan with another bank.",
        "They told me that the loan would be transferred to a new company.",
        "I signed the loan documents.",
        "The lender denied my application for a loan.",
        "Somebody took out a loan in my name.",
        "I asked the loan company for a copy of the contract.",
        "The representative said that the loan was approved.",
    ),
    (
        "They never answered my emails.",
        "I called customer service and was put on hold.",
        "I have been waiting for a written response for over a month.",
        "They told me to call back later.",
        "The representative hung up on me.",
        "I sent them all the documents they asked for.",
        "They said that they would send me an update by the end of the week.",
        "I was transferred to another department.",
    ),
    (
        "I disputed the charge with my bank.",
        "They took the money out of my checking account.",
        "The payment was withdrawn twice.",
        "The merchant refused to give me a refund.",
        "I never received the money.",
        "My account was locked.",
        "A stranger used my identity.",
        "I would like this inquiry removed.",
    ),
)
"""Groups of such sentences."""
