r"""What a token looks like: the forms that may draw it, the space around it, and what has no ink.

A token in no table here is not drawable, and is refused by its name.
"""

from functools import cache

# token = forms, any of which may be taken. A single character that has a form needs no line.
_FORMS = r"""
\l=lslash \L=Lslash \o=oslashed \O=Oslash \alpha=α,alpha \beta=β,beta \gamma=γ,gamma
\delta=δ \epsilon=lunate,ε \varepsilon=ε \zeta=ζ \eta=η \theta=θ,theta \vartheta=vartheta
\iota=ι \kappa=κ \varkappa=varkappa \lambda=λ,lambda \mu=mu,μ \nu=ν \xi=ξ \pi=π,pi
\varpi=varpi \rho=ρ,rho \varrho=varrho \sigma=σ,sigma \varsigma=ς,varsigma \tau=τ,tau
\upsilon=υ,upsilon \phi=phi,φ \varphi=varphi \chi=χ \psi=ψ \omega=ω,omega \omicron=o
\Alpha=A \Beta=B \Gamma=Γ \Delta=Δ,Delta \Epsilon=E \Zeta=Z \Eta=H \Theta=Θ \Iota=I \Kappa=K
\Lambda=Λ \Mu=M \Nu=N \Xi=Ξ \Omicron=O \Pi=Π \Rho=P \Sigma=Σ \Tau=T \Upsilon=Υ,Upsilon
\Phi=Φ \Chi=X \Psi=Ψ \Omega=Ω,Omega \varGamma=Γ \varDelta=Δ,Delta \varTheta=Θ \varLambda=Λ
\varXi=Ξ \varPi=Π \varSigma=Σ \varPhi=Φ \varPsi=Ψ \varOmega=Ω,Omega \digamma=F
\partial=∂,partial \nabla=∇,nabla \infty=∞,infty \infin=∞,infty \ell=ℓ,ell \hbar=ℏ,hbar
\hslash=ℏ,hbar \wp=wp \Re=Re \Im=Im \imath=imath \jmath=jmath \i=imath \j=jmath
\aleph=ℵ,aleph \emptyset=∅,emptyset \varnothing=∅,emptyset \empty=∅,emptyset
\forall=∀,forall \exists=∃,exists \neg=neg \lnot=neg \top=top \bot=⊥,bot \perp=⊥,bot
\angle=∠,angle \triangle=△,triangle \bigtriangleup=△,triangle \vartriangle=△,triangle
\bigtriangledown=bigtriangledown \triangledown=bigtriangledown \square=square \Box=square
\diamond=diamond \Diamond=diamond \lozenge=diamond \star=star \bigstar=star \bigcirc=bigcirc
\circ=circ \bullet=bullet \prime=prime '=prime \backprime=tick \degree=circ \pm=±,pm
\mp=∓,mp \plusmn=±,pm \times=×,times \div=÷,div \cdot=cdot \cdotp=cdot \centerdot=cdot
·=cdot \ast=ast \*=ast *=ast \cap=∩,cap \cup=∪,cup \wedge=∧,wedge \land=∧,wedge \vee=∨,vee
\lor=∨,vee \oplus=oplus \otimes=otimes \odot=odot \ominus=ominus \oslash=oslash
\boxplus=boxplus \sqcup=sqcup \sqcap=sqcap \setminus=setminus \smallsetminus=setminus
\amalg=coprod \triangleright=triangleright \triangleleft=triangleleft \rhd=triangleright
\lhd=triangleleft \dagger=†,dagger \dag=†,dagger \ddagger=‡,ddagger \ddag=‡,ddagger
\wr=varsigma -=- −=- \minus=- <=< >=> \lt=< \gt=> \leq=le,≤,leqslant
\le=le,≤,leqslant \geq=ge,≥,geqslant \ge=ge,≥,geqslant
\leqq=≤,le \geqq=≥,ge ≤=≤,le ≥=≥,ge \leqslant=leqslant \geqslant=geqslant \neq=≠,neq
\ne=≠,neq ≠=≠,neq \equiv=≡ \sim=~,sim \thicksim=~,sim \simeq=simeq \cong=cong
\approx=≈,approx \doteq=doteq \asymp=asymp \propto=∝,propto \varpropto=∝,propto
\lesssim=lesssim \gtrsim=gtrsim \prec=prec \succ=succ \preceq=preceq \succeq=succeq \ll=≪
\gg=≫ \in=∈,in \ni=ni \owns=ni \notin=notin \isin=∈,in \subset=⊂ \supset=supset \subseteq=⊆
\supseteq=⊇ \sqsubseteq=sqsubseteq \sqsupseteq=sqsupseteq \vdash=vdash \dashv=dashv
\models=models \vDash=models \Vdash=Vdash \parallel=parallel \shortparallel=parallel
\|=parallel \Vert=parallel \lVert=parallel \rVert=parallel \therefore=∴,therefore
\because=∵,because \mid=| \vert=| \lvert=| \rvert=| |=| \shortmid=| \rightarrow=rightarrow
\to=rightarrow →=rightarrow \leftarrow=leftarrow \gets=leftarrow \uparrow=uparrow
\downarrow=downarrow \leftrightarrow=leftrightarrow \mapsto=mapsto \longmapsto=mapsto
\longrightarrow=rightarrow \longleftarrow=leftarrow \longleftrightarrow=leftrightarrow
\nearrow=nearrow \searrow=searrow \nwarrow=nwarrow \swarrow=swarrow \updownarrow=updownarrow
\hookrightarrow=hookrightarrow \hookleftarrow=hookleftarrow \rightharpoonup=rightharpoonup
\rightharpoondown=rightharpoondown \leftharpoonup=leftharpoonup
\rightleftharpoons=rightleftharpoons \leftrightarrows=leftrightarrows
\rightleftarrows=leftrightarrows \leadsto=leadsto \rightsquigarrow=leadsto \Rightarrow=⇒
\implies=⇒ \Longrightarrow=⇒ \Leftarrow=Leftarrow \Longleftarrow=Leftarrow \Leftrightarrow=⇔
\Longleftrightarrow=⇔ \iff=⇔ \Uparrow=Uparrow \Downarrow=Downarrow \cdots=cdots \dotsb=cdots
\dotsm=cdots \ldots=ldots \dots=ldots \dotsc=ldots \dotso=ldots \mathellipsis=ldots …=ldots
\vdots=vdots \ddots=ddots \langle=langle \rangle=rangle \lang=langle \rang=rangle
\lceil=lceil \rceil=rceil \lfloor=lfloor \rfloor=rfloor \{={ \}=} \lbrace={ \rbrace=}
\lbrack=[ \rbrack=] \lparen=( \rparen=) \sum=sum,∑ \prod=prod \coprod=coprod \int=int,∫
\oint=oint,∮ \iint=∬ \iiint=iiint \smallint=int \bigcup=bigcup \bigcap=bigcap \bigvee=bigvee
\bigwedge=bigwedge \bigoplus=oplus \bigotimes=otimes \bigodot=odot \bigsqcup=sqcup
\biguplus=bigcup \%=% \#=# \&=& \$=dollar \_=underscore \^=caret ^=caret `=grave \`=grave
"=" _=underscore \backslash=backslash \slash=/ \colon=: :=:,colon ：=:,colon ，=, （=( ）=) ；=;
！=! ？=? 、=cjkcomma 。=cjkstop √=√ \surd=√ \sqrtsign=√ \flat=♭,flat \sharp=♯,sharp
\natural=♮,natural \pounds=£ \P=¶,pilcrow \S=§ \copyright=@ \AA=Å \checkmark=checkmark
\celsius=℃ ℃=℃ °=circ ′=prime ×=×,times ÷=÷,div ±=±,pm π=π,pi
"""

# function names, written as words
NAMES = {
    f"\\{name}": name
    for name in """
arccos arcsin arctan arg argmax argmin cos cosh cot coth csc deg det dim exp gcd hom inf ker lg
lim liminf limsup ln log max min Pr sec sin sinh sup tan tanh bmod ctg tg cth sh ch th cosec
""".split()
} | {
    "\\bmod": "mod",
    "\\injlim": "injlim",
    "\\projlim": "projlim",
    "\\varlimsup": "lim",
    "\\varliminf": "lim",
}

# no ink, but a space in units (a hundredth of a digit's height)
SPACES = {
    "\\,": 12.0, "\\:": 18.0, "\\;": 22.0, "\\!": 0.0, "\\ ": 35.0, "\\": 35.0, "~": 35.0, "\\quad": 80.0,
    "\\qquad": 150.0, "\\enspace": 45.0, "\\enskip": 45.0, "\\space": 35.0, "\\thinspace": 12.0,
    "\\medspace": 18.0, "\\thickspace": 22.0, "\\negthinspace": 0.0, "\\hfill": 80.0, "\\nobreakspace": 35.0,
}  # fmt: skip
NO_INK = frozenset(
    r"""
\limits \nolimits \displaystyle \textstyle \scriptstyle \scriptscriptstyle \left \right \middle \big \Big
\bigg \Bigg \bigl \bigr \Bigl \Bigr \biggl \biggr \Biggl \Biggr \bigm \Bigm \nonumber \notag \relax \protect
\tiny \scriptsize \footnotesize \small \normalsize \large \Large \LARGE \huge \Huge \allowbreak \nobreak
\boldmath \unboldmath \mathstrut \strut \smallskip \medskip \bigskip \noindent \- \null
""".split()
)

# how letters look from here to the end of the group, and under a command with an argument
STYLES = {
    "\\cal": "script",
    "\\mit": "",
    "\\bf": "bold",
    "\\rm": "",
    "\\it": "",
    "\\sf": "",
    "\\tt": "",
    "\\sl": "",
    "\\em": "",
    "\\mathcal": "script",
    "\\mathscr": "script",
    "\\mathbb": "double",
    "\\mathbf": "bold",
    "\\boldsymbol": "bold",
    "\\bm": "bold",
    "\\pmb": "bold",
    "\\bold": "bold",
    "\\textbf": "bold",
    "\\symbf": "bold",
    "\\Bbb": "double",
}
SWITCHES = frozenset(r"\cal \mit \bf \rm \it \sf \tt \sl \em".split())

OPENING = {
    "(": ")",
    "[": "]",
    "\\{": "\\}",
    "\\langle": "\\rangle",
    "\\lceil": "\\rceil",
    "\\lfloor": "\\rfloor",
    "\\lbrace": "\\rbrace",
    "\\lbrack": "\\rbrack",
    "\\lvert": "\\rvert",
    "\\lVert": "\\rVert",
    "\\lang": "\\rang",
    "（": "）",
    "\\lparen": "\\rparen",
}
CLOSING = frozenset(OPENING.values())
VERTICAL_BARS = frozenset(["|", "\\vert", "\\|", "\\Vert"])
BIG = frozenset(
    r"""\sum \prod \coprod \bigcup \bigcap \bigvee \bigwedge \bigoplus \bigotimes \bigodot \bigsqcup
\biguplus""".split()
)
INTEGRALS = frozenset(["\\int", "\\oint", "\\iint", "\\iiint", "\\smallint"])

_BINARY = frozenset(
    r"""+ - * \pm \mp \times \div \cdot \ast \cap \cup \wedge \land \vee \lor \oplus \otimes \odot
\ominus \oslash \sqcup \sqcap \setminus \dagger \star \bullet \circ / \bmod \mod × ÷""".split()
)
_RELATION = frozenset(r"""
= < > \lt \gt \leq \le \geq \ge \leqslant \geqslant \neq \ne \equiv \sim \simeq \cong \approx
\doteq \asymp \propto \prec \succ \preceq \succeq \ll \gg \in \ni \notin \subset \supset
\subseteq \supseteq \sqsubseteq \vdash \models \Vdash \parallel \perp \bot \rightarrow \to
\leftarrow \leftrightarrow \mapsto \longrightarrow \longleftarrow \longleftrightarrow
\Rightarrow \Leftarrow \Leftrightarrow \implies \iff \Longrightarrow \Longleftrightarrow
\leadsto \rightleftharpoons \therefore \because \mid : \colon \xrightarrow \xleftarrow
\xlongequal \stackrel \longmapsto \hookrightarrow
""".split())  # fmt: skip


@cache
def form_names(token: str) -> tuple[str, ...]:
    """The names of the forms that may draw a token; empty where none can."""
    from hmer_tasks.handwriting.forms import forms

    named = _named().get(token) or ((token,) if len(token) == 1 else ())
    return tuple(name for name in named if name in forms())


@cache
def _named() -> dict[str, tuple[str, ...]]:
    table = {}
    for entry in _FORMS.split():
        at = entry.index("=", 1)  # a token may be = itself, never a form list
        table[entry[:at]] = (
            tuple(part or "," for part in entry[at + 1 :].split(",")) if entry[at + 1 :] != "," else (",",)
        )
    return table


def space_class(token: str) -> str:
    """`binary`, `relation`, `word` (a function's name), `comma`, or `plain`."""
    if token in _BINARY:
        return "binary"
    if token in _RELATION:
        return "relation"
    if token in NAMES or token in ("\\operatorname", "\\mathop") or token in BIG or token in INTEGRALS:
        return "word"
    return "comma" if token in (",", ";", "，", "、", "。") else "plain"
